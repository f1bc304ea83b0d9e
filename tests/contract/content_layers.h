/* content_layers.h: layers that were made to do harm, or are only large, and a
 * store that stops answering; for stores that unpack for real. A program that
 * includes it has a private containerd in suite->arg. */
#ifndef SK_CONTRACT_CONTENT_LAYERS_H
#define SK_CONTRACT_CONTENT_LAYERS_H

#include "contract/content_ahead.h"
#include "drivers/containerd/ahead.h"
#include "support/private_containerd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define GZIP_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"
#define CANARY    "nobody has touched me"

static char *path_in(struct content_suite *s, const char *name)
{
    return sk_printf("%s/%s", ((struct private_containerd *)s->arg)->dir, name);
}

static void read_file(const char *path, struct sk_buf *out)
{
    char bytes[65536];
    SK_AUTO_FILE FILE *file = fopen(path, "r");
    size_t len;

    sk_buf_init(out, SIZE_MAX / 2);
    while (file && (len = fread(bytes, 1, sizeof(bytes), file)) > 0)
        (void)!sk_buf_append(out, bytes, len);
}

/* What the shell command prints. */
static struct sk_buf printed(struct content_suite *s, const char *command)
{
    SK_AUTO_FREE char *path = path_in(s, "printed");
    SK_AUTO_FREE char *all = sk_printf("{ %s; } >%s", command, path);
    struct sk_buf out;

    assert_int_equal(system(all), 0);
    read_file(path, &out);
    (void)unlink(path);
    return out;
}

static void save(const char *path, const struct sk_buf *bytes)
{
    SK_AUTO_FILE FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
}

static struct sk_buf gzipped(struct content_suite *s, const struct sk_buf *tar)
{
    SK_AUTO_FREE char *path = path_in(s, "layer.tar");
    SK_AUTO_FREE char *command = sk_printf("gzip -c %s", path);

    save(path, tar);
    struct sk_buf out = printed(s, command);
    (void)unlink(path);
    return out;
}

/* Stores the blob and unpacks it under LEASE_A, by the name of `diff_id`. */
static enum sk_code unpack_bytes(struct content_suite *s, const struct sk_buf *blob, const char *media_type,
                                 const char *diff_id, int64_t max_bytes, int64_t max_inodes)
{
    char digest[SK_DIGEST_SIZE];

    if (put_blob(s, LEASE_A, blob->data, blob->len, digest) != SK_OK)
        return SK_INTERNAL;
    struct sk_unpack_ask ask = unpack_ask(digest, blob->len, diff_id, "", diff_id);
    (void)snprintf(ask.layer.media_type, sizeof(ask.layer.media_type), "%s", media_type);
    ask.max_bytes = max_bytes;
    ask.max_inodes = max_inodes;
    return unpack(s, &ask);
}

static void test_a_gzipped_layer(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("etc/motd", "squeezed\n");
    SK_CLEANUP(sk_buf_fini) struct sk_buf blob = gzipped(s, &tar);
    char diff_id[SK_DIGEST_SIZE], other[SK_DIGEST_SIZE];

    sk_digest_of(tar.data, tar.len, diff_id);
    sk_digest_of("other", 5, other);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(unpack_bytes(s, &blob, GZIP_TYPE, other, GIB, 100), SK_FAILED_PRECONDITION);
    assert_false(has_snapshot(s, other));
    assert_int_equal(unpack_bytes(s, &blob, GZIP_TYPE, diff_id, GIB, 100), SK_OK);
    assert_true(has_snapshot(s, diff_id));
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_layer_that_is_damaged(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE char *text = sk_alloc(300001);
    for (size_t i = 0; i < 300000; i++)
        text[i] = (char)('a' + (i * i / 7 + i / 3) % 26);
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("a", text);
    SK_CLEANUP(sk_buf_fini) struct sk_buf blob = gzipped(s, &tar);
    char diff_id[SK_DIGEST_SIZE];

    sk_digest_of(tar.data, tar.len, diff_id);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    blob.len /= 2; /* cut off */
    assert_int_equal(unpack_bytes(s, &blob, GZIP_TYPE, diff_id, GIB, 100), SK_FAILED_PRECONDITION);
    memset(blob.data, 'x', blob.len); /* no archive at all */
    assert_int_equal(unpack_bytes(s, &blob, GZIP_TYPE, diff_id, GIB, 100), SK_FAILED_PRECONDITION);
    assert_false(has_snapshot(s, diff_id));
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* --- layers that want out ------------------------------------------------------------- */

struct hostile {
    const char *what;
    struct {
        const char *name;
        char type;
        const char *link, *text;
    } entries[3];
};

/* Every "@" stands for the folder that the canary is in, without its first slash. */
static const struct hostile hostiles[] = {
    {"absolute", {{"/@/canary", '0', NULL, "x"}, {"/@/planted", '0', NULL, "x"}}},
    {"dots", {{"../../../../../../../../../../@/canary", '0', NULL, "x"}}},
    {"dots within", {{"a/../../../../../../../../../../../@/planted", '0', NULL, "x"}}},
    {"symbolic link",
     {{"out", '2', "/@", NULL}, {"out/canary", '0', NULL, "x"}, {"out/planted", '0', NULL, "x"}}},
    {"link of dots",
     {{"out", '2', "../../../../../../../../../../@", NULL}, {"out/planted", '0', NULL, "x"}}},
    {"link as file", {{"out", '2', "/@/canary", NULL}, {"out", '0', NULL, "x"}}},
    {"hard link", {{"out", '1', "/@/canary", NULL}, {"out", '0', NULL, "x"}}},
    {"hard link of dots",
     {{"out", '1', "../../../../../../../../../../@/canary", NULL}, {"out", '0', NULL, "x"}}},
    {"hard link through a link",
     {{"d", '2', "/@", NULL}, {"out", '1', "d/canary", NULL}, {"out", '0', NULL, "x"}}},
    {"whiteout", {{"../../../../../../../../../../@/.wh.canary", '0', NULL, NULL}}},
    {"whiteout through a link", {{"d", '2', "/@", NULL}, {"d/.wh.canary", '0', NULL, NULL}}},
    {"whiteout of the parent", {{"d/.wh...", '0', NULL, NULL}, {".wh...", '0', NULL, NULL}}},
    {"opaque link", {{"d", '2', "/@", NULL}, {"d/.wh..wh..opq", '0', NULL, NULL}}},
    {"device", {{"null", '3', NULL, NULL}}},
};

static char *with_folder(struct content_suite *s, const char *text)
{
    const char *dir = ((struct private_containerd *)s->arg)->dir, *at = text ? strchr(text, '@') : NULL;

    return at ? sk_printf("%.*s%s%s", (int)(at - text), text, dir + 1, at + 1) : sk_strdup(text);
}

static struct sk_buf hostile_layer(struct content_suite *s, const struct hostile *hostile)
{
    struct sk_buf tar;

    sk_buf_init(&tar, SIZE_MAX / 2);
    for (size_t i = 0; i < sk_array_len(hostile->entries) && hostile->entries[i].name; i++) {
        SK_AUTO_FREE char *name = with_folder(s, hostile->entries[i].name);
        SK_AUTO_FREE char *link = with_folder(s, hostile->entries[i].link);
        tarball_add(&tar, name, hostile->entries[i].type, link, hostile->entries[i].text);
    }
    tarball_end(&tar);
    return tar;
}

static bool is_canary_well(struct content_suite *s)
{
    SK_AUTO_FREE char *canary = path_in(s, "canary"), *planted = path_in(s, "planted");
    SK_CLEANUP(sk_buf_fini) struct sk_buf found;
    struct stat st;

    read_file(canary, &found);
    return found.len == strlen(CANARY) && memcmp(found.data, CANARY, found.len) == 0 &&
           stat(canary, &st) == 0 && st.st_nlink == 1 && access(planted, F_OK) != 0;
}

static void test_layers_stay_where_they_are_unpacked(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE char *canary = path_in(s, "canary");
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;

    sk_buf_init(&text, 100);
    assert_int_equal(sk_buf_printf(&text, CANARY), SK_OK);
    save(canary, &text);
    assert_true(is_canary_well(s));
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    for (size_t i = 0; i < sk_array_len(hostiles); i++) {
        SK_CLEANUP(sk_buf_fini) struct sk_buf tar = hostile_layer(s, &hostiles[i]);
        char digest[SK_DIGEST_SIZE];
        sk_digest_of(tar.data, tar.len, digest);
        printf("  %s\n", hostiles[i].what);
        enum sk_code code = unpack_bytes(s, &tar, "application/vnd.oci.image.layer.v1.tar", digest, GIB, 100);
        assert_true(code == SK_OK || code == SK_FAILED_PRECONDITION);
        assert_true(is_canary_well(s));
        assert_int_equal(has_snapshot(s, digest), code == SK_OK);
    }
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* Each ahead, and then on top of a layer that has a folder of its own for what they want. */
static void test_layers_stay_there_when_unpacked_ahead(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE char *canary = path_in(s, "canary");
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;
    SK_CLEANUP(sk_buf_fini) struct sk_buf low = tarball_of("tmp/below", "x");
    char lower[SK_DIGEST_SIZE], digest[SK_DIGEST_SIZE], chain[SK_DIGEST_SIZE];

    sk_buf_init(&text, 100);
    assert_int_equal(sk_buf_printf(&text, CANARY), SK_OK);
    save(canary, &text);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, low.data, low.len, lower), SK_OK);
    const struct sk_unpack_ask first = unpack_ask(lower, low.len, lower, "", lower);
    assert_int_equal(unpack(s, &first), SK_OK);
    for (size_t i = 0; i < sk_array_len(hostiles); i++) {
        SK_CLEANUP(sk_buf_fini) struct sk_buf tar = hostile_layer(s, &hostiles[i]);
        assert_int_equal(put_blob(s, LEASE_A, tar.data, tar.len, digest), SK_OK);
        sk_digest_of(hostiles[i].what, strlen(hostiles[i].what), chain);
        struct sk_unpack_ask ask = unpack_ask(digest, tar.len, digest, lower, chain);
        enum sk_code ahead = unpack_ahead(s, &ask, &ask.ahead_take);
        assert_true(is_canary_well(s));
        enum sk_code code = unpack(s, &ask);
        printf("  %s: %s\n", hostiles[i].what, ahead == SK_OK ? "ahead" : "not ahead");
        assert_int_equal(ahead, code); /* none of them is another for what is below */
        assert_true(is_canary_well(s));
        assert_int_equal(has_snapshot(s, chain), code == SK_OK);
    }
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* --- layers that are large -------------------------------------------------------------- */

/* A gzipped archive of one file of so many MiB of zeros. */
static struct sk_buf bomb(struct content_suite *s, unsigned mebibytes)
{
    SK_AUTO_FREE char *command = sk_printf("cd %s && mkdir -p bomb && truncate -s %uM bomb/zeros && tar -c "
                                           "-C bomb zeros | gzip -1",
                                           ((struct private_containerd *)s->arg)->dir, mebibytes);
    SK_AUTO_FREE char *undo = sk_printf("rm -rf %s/bomb", ((struct private_containerd *)s->arg)->dir);
    struct sk_buf out = printed(s, command);

    assert_int_equal(system(undo), 0);
    return out;
}

/* What lies below the snapshotter's folder, in MiB. */
static long snapshots_mebibytes(struct content_suite *s)
{
    SK_AUTO_FREE char *command =
        sk_printf("du -sm %s/containerd/root/io.containerd.snapshotter.v1.overlayfs/snapshots | cut -f1",
                  ((struct private_containerd *)s->arg)->dir);
    SK_CLEANUP(sk_buf_fini) struct sk_buf out = printed(s, command);

    (void)!sk_buf_append(&out, "", 1);
    return strtol((const char *)out.data, NULL, 10);
}

static void test_a_bomb_is_cut_off(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf blob = bomb(s, 300);
    long before = snapshots_mebibytes(s);
    char diff_id[SK_DIGEST_SIZE];

    sk_digest_of("bomb", 4, diff_id);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(unpack_bytes(s, &blob, GZIP_TYPE, diff_id, 8 << 20, 100), SK_RESOURCE_EXHAUSTED);
    assert_false(has_snapshot(s, diff_id));
    assert_true(snapshots_mebibytes(s) <= before + 1); /* before the lease is let go of */
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_bomb_is_cut_off_ahead(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf blob = bomb(s, 300);
    long before = snapshots_mebibytes(s);
    char digest[SK_DIGEST_SIZE];
    struct sk_ahead *ahead;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, blob.data, blob.len, digest), SK_OK);
    struct sk_unpack_ask ask = unpack_ask(digest, blob.len, digest, "", digest);
    (void)snprintf(ask.layer.media_type, sizeof(ask.layer.media_type), GZIP_TYPE);
    ask.max_bytes = 8 << 20;
    assert_int_equal(unpack_ahead(s, &ask, &ahead), SK_RESOURCE_EXHAUSTED);
    assert_null(ahead);
    assert_true(snapshots_mebibytes(s) <= before + 1); /* before the lease is let go of */
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* Once it is dropped, and once a folder below says no. */
static void test_the_files_of_what_is_not_used_go_at_once(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE char *text = sk_alloc((20 << 20) + 1);
    SK_CLEANUP(sk_buf_fini) struct sk_buf low, high;
    char lower[SK_DIGEST_SIZE], upper[SK_DIGEST_SIZE], chain[SK_DIGEST_SIZE];
    struct sk_ahead *ahead;

    memset(text, 'x', 20 << 20);
    sk_buf_init(&low, SIZE_MAX / 2);
    tarball_add(&low, "d", '0', NULL, "a file"); /* where the other has a folder */
    tarball_end(&low);
    high = tarball_of("d/large", text);
    sk_digest_of("large on top", 12, chain);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, low.data, low.len, lower), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, high.data, high.len, upper), SK_OK);
    const struct sk_unpack_ask first = unpack_ask(lower, low.len, lower, "", lower);
    struct sk_unpack_ask ask = unpack_ask(upper, high.len, upper, lower, chain);
    assert_int_equal(unpack(s, &first), SK_OK);
    long before = snapshots_mebibytes(s);
    assert_int_equal(unpack_ahead(s, &ask, &ahead), SK_OK);
    assert_true(snapshots_mebibytes(s) >= before + 20);
    assert_int_equal(drop_ahead(s, ahead), SK_OK);
    assert_true(snapshots_mebibytes(s) <= before + 1);
    assert_int_equal(unpack_ahead(s, &ask, &ask.ahead_take), SK_OK);
    enum sk_code code = unpack(s, &ask);
    assert_true(snapshots_mebibytes(s) <= before + (code == SK_OK ? 22 : 1));
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(litter_count(s), 0);
}

static void test_a_containerd_that_dies_in_between(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;

    two_layers_init(s, &two);
    assert_int_equal(unpack(s, &two.first), SK_OK);
    assert_int_equal(unpack_ahead(s, &two.second, &two.second.ahead_take), SK_OK);
    assert_int_equal(sk_test_containerd(s->arg, "stop"), 0);
    assert_int_equal(sk_test_containerd(s->arg, "start"), 0);
    for (int i = 0; i < 600 && size_of(s, NULL, two.lower) < -1; i++)
        usleep(100000);
    assert_int_equal(unpack(s, &two.second), SK_OK);
    assert_true(has_snapshot(s, two.chain));
    assert_nothing_stays(s, &two);
}

static void test_what_a_killed_daemon_had_unpacked_ahead_is_litter(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(two_layers_fini) struct two_layers two;
    struct sk_ahead *ahead;

    two_layers_init(s, &two);
    assert_int_equal(unpack_ahead(s, &two.second, &ahead), SK_OK);
    assert_int_equal(litter_count(s), 0);
    struct sk_ctd_ahead *forgotten = sk_container_of(ahead, struct sk_ctd_ahead, base);
    SK_AUTO_FREE char *key = sk_strdup(forgotten->key.key);
    sk_ctd_ahead_free(forgotten); /* with the daemon */
    struct sk_litter_list left = litter(s);
    assert_int_equal(left.len, 1);
    assert_string_equal(left.items[0].name, key);
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->remove_litter(s->content, &left.items[0], &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    free(left.items);
    assert_nothing_stays(s, &two);
}

static void test_a_layer_of_too_many_files(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar;
    char digest[SK_DIGEST_SIZE];

    sk_buf_init(&tar, SIZE_MAX / 2);
    for (unsigned i = 0; i < 500; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "file%u", i);
        tarball_add(&tar, name, '0', NULL, NULL);
    }
    tarball_end(&tar);
    sk_digest_of(tar.data, tar.len, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    const char *type = "application/vnd.oci.image.layer.v1.tar";
    assert_int_equal(unpack_bytes(s, &tar, type, digest, GIB, 400), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(unpack_bytes(s, &tar, type, digest, GIB, 600), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_unpacking_is_cancelled_half_way(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf blob = bomb(s, 800);
    long before = snapshots_mebibytes(s);
    char digest[SK_DIGEST_SIZE];
    bool never = false;
    struct sk_wait w;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, blob.data, blob.len, digest), SK_OK);
    struct sk_unpack_ask ask = unpack_ask(digest, blob.len, digest, "", digest);
    (void)snprintf(ask.layer.media_type, sizeof(ask.layer.media_type), GZIP_TYPE);
    ask.max_bytes = 4 * GIB;
    sk_wait_init(&w, s->loop);
    s->content->ops->unpack(s->content, &ask, &w.done);
    while (!w.fired && snapshots_mebibytes(s) <= before + 1)
        (void)sk_wait_until(s->loop, &never, SK_MSEC(10));
    assert_false(w.fired);
    assert_int_equal(litter_count(s), 0);
    sk_done_cancel(&w.done);
    assert_true(sk_wait_until(s->loop, &w.fired, SK_SEC(60)));
    assert_int_equal(w.err.code, SK_CANCELLED);
    assert_false(has_snapshot(s, digest));
    assert_true(snapshots_mebibytes(s) <= before + 1);
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* --- a containerd that does not answer -------------------------------------------------------- */

static void signal_containerd(struct content_suite *s, int signo)
{
    SK_AUTO_FREE char *path = path_in(s, "containerd.pid");
    SK_CLEANUP(sk_buf_fini) struct sk_buf pid;

    read_file(path, &pid);
    (void)!sk_buf_append(&pid, "", 1);
    assert_int_equal(kill((pid_t)strtol((const char *)pid.data, NULL, 10), signo), 0);
}

/* Cancels what waits for a containerd that stands still; whether it answered. */
static bool answers_when_cancelled(struct content_suite *s, struct sk_wait *w)
{
    sk_done_cancel(&w->done);
    bool fired = sk_wait_until(s->loop, &w->fired, SK_SEC(60));
    printf("  %s: %s\n", fired ? "answered" : "did not answer", w->err.text);
    return fired && w->err.code == SK_CANCELLED;
}

static void test_what_hangs_can_be_cancelled(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(32 << 20, 11);
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer, *second = NULL;
    struct sk_wait w, opening, looking;
    bool wrote, opened, found;
    int64_t size;

    sk_digest_of(bytes, 32 << 20, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, 32 << 20, &writer), SK_OK);
    signal_containerd(s, SIGSTOP);
    sk_wait_init(&w, s->loop);
    s->content->ops->write(writer, bytes, 32 << 20, &w.done);
    wrote = answers_when_cancelled(s, &w);
    sk_wait_init(&opening, s->loop);
    s->content->ops->open_blob(s->content, &(struct sk_blob_ask){LEASE_A, digest, 77}, &second,
                               &opening.done);
    opened = answers_when_cancelled(s, &opening);
    sk_wait_init(&looking, s->loop);
    s->content->ops->find_blob(s->content, NULL, digest, &size, &looking.done);
    found = answers_when_cancelled(s, &looking); /* not stuck behind the blob */
    signal_containerd(s, SIGCONT);
    assert_true(found);
    assert_true(wrote);
    assert_true(opened);
    assert_null(second);
    s->content->ops->close(writer, false);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_containerd_that_dies_in_the_middle(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 12);
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;
    enum sk_code code = SK_OK;

    sk_digest_of(bytes, MANY, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, bytes, MANY / 2), SK_OK);
    assert_int_equal(sk_test_containerd(s->arg, "stop"), 0);
    code = write_some(s, writer, bytes + MANY / 2, MANY - MANY / 2);
    if (code == SK_OK)
        code = commit(s, writer);
    assert_int_equal(sk_test_containerd(s->arg, "start"), 0);
    assert_int_equal(code, SK_UNAVAILABLE);
    s->content->ops->close(writer, true);
    for (int i = 0; i < 600 && size_of(s, NULL, digest) < -1; i++)
        usleep(100000);
    assert_int_equal(put_blob(s, LEASE_A, bytes, MANY, digest), SK_OK); /* from where it was */
    assert_int_equal(size_of(s, NULL, digest), MANY);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(litter_count(s), 0);
}

static int run_content_layers(struct content_suite *s)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_a_gzipped_layer, s),
        cmocka_unit_test_prestate(test_a_layer_that_is_damaged, s),
        cmocka_unit_test_prestate(test_layers_stay_where_they_are_unpacked, s),
        cmocka_unit_test_prestate(test_a_bomb_is_cut_off, s),
        cmocka_unit_test_prestate(test_layers_stay_there_when_unpacked_ahead, s),
        cmocka_unit_test_prestate(test_a_bomb_is_cut_off_ahead, s),
        cmocka_unit_test_prestate(test_the_files_of_what_is_not_used_go_at_once, s),
        cmocka_unit_test_prestate(test_a_containerd_that_dies_in_between, s),
        cmocka_unit_test_prestate(test_what_a_killed_daemon_had_unpacked_ahead_is_litter, s),
        cmocka_unit_test_prestate(test_a_layer_of_too_many_files, s),
        cmocka_unit_test_prestate(test_unpacking_is_cancelled_half_way, s),
        cmocka_unit_test_prestate(test_what_hangs_can_be_cancelled, s),
        cmocka_unit_test_prestate(test_a_containerd_that_dies_in_the_middle, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
