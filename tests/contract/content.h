/* content.h: the suite of the image store contract (drivers/content.h), run on
 * every store. A program that includes it opens a store, fills in a struct
 * content_suite, and calls run_content_suite(). */
#ifndef SK_CONTRACT_CONTENT_H
#define SK_CONTRACT_CONTENT_H

#include "drivers/content.h"
#include "support/tarball.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LEASE_A "sandkeep-pull-a"
#define LEASE_B "sandkeep-pull-b"
#define MANY    ((size_t)5 * 1024 * 1024 + 77)
#define PIECE   ((size_t)100 * 1000)
#define IMAGE   "registry.test/some/image:1"
#define GIB     (INT64_C(1) << 30)

struct content_suite {
    struct sk_loop *loop;
    struct sk_content *content;
    void *arg;
    /* As if the daemon had been killed, and started again. */
    void (*restart)(struct content_suite *s);
};

/* --- each call, waited for -------------------------------------------------------- */

static enum sk_code hold(struct content_suite *s, const char *lease)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->hold(s->content, lease, &w.done);
    return sk_wait(&w);
}

static enum sk_code let_go(struct content_suite *s, const char *lease)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->let_go(s->content, lease, &w.done);
    return sk_wait(&w);
}

static int64_t size_of(struct content_suite *s, const char *lease, const char *digest)
{
    int64_t size = -2;
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->find_blob(s->content, lease, digest, &size, &w.done);
    return sk_wait(&w) == SK_OK ? size : -3;
}

static enum sk_code open_blob(struct content_suite *s, const char *lease, const char *digest, size_t size,
                              struct sk_blob_writer **out)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    *out = NULL;
    s->content->ops->open_blob(s->content,
                               &(struct sk_blob_ask){.lease = lease, .digest = digest, .size = (int64_t)size},
                               out, &w.done);
    return sk_wait(&w);
}

static enum sk_code write_some(struct content_suite *s, struct sk_blob_writer *writer, const void *data,
                               size_t len)
{
    enum sk_code code = SK_OK;
    for (size_t at = 0; at < len && code == SK_OK; at += PIECE) {
        struct sk_wait w;
        sk_wait_init(&w, s->loop);
        size_t piece = len - at < PIECE ? len - at : PIECE;
        s->content->ops->write(writer, (const uint8_t *)data + at, piece, &w.done);
        code = sk_wait(&w);
    }
    return code;
}

static enum sk_code commit(struct content_suite *s, struct sk_blob_writer *writer)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->commit(writer, &w.done);
    return sk_wait(&w);
}

/* Opened, written from where the store says, committed, closed. */
static enum sk_code put_blob(struct content_suite *s, const char *lease, const void *data, size_t len,
                             char out_digest[SK_DIGEST_SIZE])
{
    struct sk_blob_writer *writer;
    sk_digest_of(data, len, out_digest);
    enum sk_code code = open_blob(s, lease, out_digest, len, &writer);
    if (code != SK_OK)
        return code == SK_ALREADY_EXISTS ? SK_OK : code;
    size_t from = (size_t)writer->offset;
    code = write_some(s, writer, (const uint8_t *)data + from, len - from);
    if (code == SK_OK)
        code = commit(s, writer);
    s->content->ops->close(writer, false);
    return code;
}

static enum sk_code set_refs(struct content_suite *s, const char *digest, const struct sk_content_ref *refs,
                             size_t count)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->set_refs(s->content, LEASE_A, digest, refs, count, &w.done);
    return sk_wait(&w);
}

static enum sk_code put_image(struct content_suite *s, const char *name, const char *digest,
                              const char *puller)
{
    struct sk_oci_descriptor target = {.media_type = "application/vnd.oci.image.manifest.v1+json", .size = 3};
    struct sk_wait w;
    memcpy(target.digest, digest, strlen(digest) + 1);
    sk_wait_init(&w, s->loop);
    s->content->ops->put_image(s->content, LEASE_A, name, &target, puller, &w.done);
    return sk_wait(&w);
}

static enum sk_code find_image(struct content_suite *s, const char *name, struct sk_stored_images *out)
{
    struct sk_wait w;
    *out = (struct sk_stored_images){0};
    sk_wait_init(&w, s->loop);
    s->content->ops->find_image(s->content, name, out, &w.done);
    return sk_wait(&w);
}

static enum sk_code remove_image(struct content_suite *s, const char *name)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->remove_image(s->content, name, &w.done);
    return sk_wait(&w);
}

static bool has_snapshot(struct content_suite *s, const char *chain)
{
    bool found = false;
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->find_snapshot(s->content, NULL, chain, &found, &w.done);
    return sk_wait(&w) == SK_OK && found;
}

static int64_t measure_above(struct content_suite *s, const char *chain, const char *above)
{
    int64_t bytes = -1;
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->measure(s->content, chain, above, &bytes, &w.done);
    return sk_wait(&w) == SK_OK ? bytes : -2;
}

static int64_t measure(struct content_suite *s, const char *chain)
{
    return measure_above(s, chain, "");
}

static struct sk_unpack_ask unpack_ask(const char *digest, size_t size, const char *diff_id,
                                       const char *parent, const char *chain)
{
    struct sk_unpack_ask ask = {
        .lease = LEASE_A,
        .layer = {.media_type = "application/vnd.oci.image.layer.v1.tar", .size = (int64_t)size},
        .diff_id = diff_id,
        .parent = parent,
        .chain = chain,
        .max_bytes = GIB,
        .max_inodes = 100000};
    memcpy(ask.layer.digest, digest, strlen(digest) + 1);
    return ask;
}

static enum sk_code unpack(struct content_suite *s, const struct sk_unpack_ask *ask)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->unpack(s->content, ask, &w.done);
    return sk_wait(&w);
}

static struct sk_litter_list litter(struct content_suite *s)
{
    struct sk_litter_list list = {0};
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->content->ops->list_litter(s->content, &list, &w.done);
    (void)sk_wait(&w);
    return list;
}

static size_t litter_count(struct content_suite *s)
{
    struct sk_litter_list list = litter(s);
    for (size_t i = 0; i < list.len; i++)
        printf("  litter: %s %s\n", list.items[i].kind, list.items[i].name);
    free(list.items);
    return list.len;
}

/* Bytes that are no other test's. */
static uint8_t *make_bytes(size_t len, unsigned seed)
{
    uint8_t *bytes = sk_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 253 * 7 + seed + (i >> 16));
    return bytes;
}

/* --- blobs ---------------------------------------------------------------------------- */

static void test_what_is_written_is_there_until_nothing_holds_it(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 1);
    SK_CLEANUP(sk_buf_fini) struct sk_buf back;
    char digest[SK_DIGEST_SIZE];
    struct sk_wait w;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, bytes, MANY, digest), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), MANY);
    sk_buf_init(&back, MANY);
    sk_wait_init(&w, s->loop);
    s->content->ops->read_blob(s->content, digest, &back, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_int_equal(back.len, MANY);
    assert_memory_equal(back.data, bytes, MANY);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), -1);
}

static void test_an_empty_blob(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE];

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "", 0, digest), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_reading_what_is_not_there_or_too_long(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf back;
    char digest[SK_DIGEST_SIZE];
    struct sk_wait w;

    sk_digest_of("nobody wrote this", 17, digest);
    sk_buf_init(&back, 10);
    sk_wait_init(&w, s->loop);
    s->content->ops->read_blob(s->content, digest, &back, &w.done);
    assert_int_equal(sk_wait(&w), SK_NOT_FOUND);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "twelve bytes", 12, digest), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->read_blob(s->content, digest, &back, &w.done);
    assert_int_equal(sk_wait(&w), SK_FAILED_PRECONDITION);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_kept_write_goes_on(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 2);
    const size_t half = MANY / 2;
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of(bytes, MANY, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(writer->offset, 0);
    assert_int_equal(write_some(s, writer, bytes, half), SK_OK);
    assert_int_equal(writer->offset, half);
    s->content->ops->close(writer, true);
    assert_int_equal(size_of(s, NULL, digest), -1);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(writer->offset, half);
    assert_int_equal(write_some(s, writer, bytes + half, MANY - half), SK_OK);
    assert_int_equal(commit(s, writer), SK_OK);
    s->content->ops->close(writer, true);
    assert_int_equal(size_of(s, NULL, digest), MANY);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_write_that_is_not_kept_begins_anew(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 3);
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of(bytes, MANY, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, bytes, MANY / 2), SK_OK);
    s->content->ops->close(writer, false);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(writer->offset, 0);
    s->content->ops->close(writer, false);
    s->content->ops->close(NULL, false);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_lie_about_the_size_of_a_kept_write(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 4);
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of(bytes, MANY, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, 2 * MANY, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, bytes, MANY), SK_OK);
    s->content->ops->close(writer, true);
    assert_int_equal(put_blob(s, LEASE_A, bytes, MANY, digest), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(litter_count(s), 0);
}

static void test_other_bytes_are_thrown_away(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 5);
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of("something else", 14, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, bytes, MANY), SK_OK);
    assert_int_equal(commit(s, writer), SK_DATA_LOSS);
    s->content->ops->close(writer, true);
    assert_int_equal(size_of(s, NULL, digest), -1);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(writer->offset, 0);
    s->content->ops->close(writer, false);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_too_few_bytes_and_too_many(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of("0123456789", 10, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, 10, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, "01234567890", 11), SK_FAILED_PRECONDITION);
    assert_int_equal(write_some(s, writer, "01234", 5), SK_OK);
    assert_int_equal(commit(s, writer), SK_DATA_LOSS);
    s->content->ops->close(writer, false);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_blob_that_is_there_is_put_under_the_lease(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE], other[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(hold(s, LEASE_B), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "opened twice", 12, digest), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "looked for", 10, other), SK_OK);
    assert_int_equal(open_blob(s, LEASE_B, digest, 12, &writer), SK_ALREADY_EXISTS);
    assert_null(writer);
    assert_int_equal(size_of(s, LEASE_B, other), 10);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), 12);
    assert_int_equal(size_of(s, NULL, other), 10);
    assert_int_equal(let_go(s, LEASE_B), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), -1);
    assert_int_equal(size_of(s, NULL, other), -1);
}

#define WRITERS 4

static void test_several_writers_at_once(void **state)
{
    struct content_suite *s = *state;
    struct sk_blob_writer *writers[WRITERS];
    uint8_t *bytes[WRITERS];
    char digests[WRITERS][SK_DIGEST_SIZE];

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    for (unsigned i = 0; i < WRITERS; i++) {
        bytes[i] = make_bytes(MANY, 100 + i);
        sk_digest_of(bytes[i], MANY, digests[i]);
        assert_int_equal(open_blob(s, LEASE_A, digests[i], MANY, &writers[i]), SK_OK);
    }
    for (size_t at = 0; at < MANY; at += PIECE)
        for (unsigned i = 0; i < WRITERS; i++)
            assert_int_equal(write_some(s, writers[i], bytes[i] + at, MANY - at < PIECE ? MANY - at : PIECE),
                             SK_OK);
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(commit(s, writers[i]), SK_OK);
        s->content->ops->close(writers[i], false);
        assert_int_equal(size_of(s, NULL, digests[i]), MANY);
        free(bytes[i]);
    }
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_an_open_that_is_cancelled(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer = NULL;
    struct sk_wait w;

    sk_digest_of("cancelled", 9, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->open_blob(
        s->content, &(struct sk_blob_ask){.lease = LEASE_A, .digest = digest, .size = 9}, &writer, &w.done);
    sk_done_cancel(&w.done);
    assert_int_equal(sk_wait(&w), SK_CANCELLED);
    assert_null(writer);
    assert_int_equal(put_blob(s, LEASE_A, "cancelled", 9, digest), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(litter_count(s), 0);
}

/* --- leases, references, names -------------------------------------------------------------- */

static void test_leases_can_be_held_again_and_let_go_twice(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE];

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "held twice", 10, digest), SK_OK);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(hold(s, LEASE_B), SK_OK);
    assert_int_equal(let_go(s, LEASE_B), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), 10);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), -1);
}

static void test_a_name_holds_what_the_references_reach(void **state)
{
    struct content_suite *s = *state;
    char manifest[SK_DIGEST_SIZE], config[SK_DIGEST_SIZE], layer[SK_DIGEST_SIZE], other[SK_DIGEST_SIZE];
    const struct sk_content_ref refs[] = {{.name = "config", .target = config},
                                          {.name = "l.0", .target = layer}};

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "the manifest", 12, manifest), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "the config", 10, config), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "the layer", 9, layer), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "another", 7, other), SK_OK);
    assert_int_equal(set_refs(s, manifest, refs, sk_array_len(refs)), SK_OK);
    assert_int_equal(put_image(s, IMAGE, manifest, ""), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(size_of(s, NULL, manifest), 12);
    assert_int_equal(size_of(s, NULL, config), 10);
    assert_int_equal(size_of(s, NULL, layer), 9);
    assert_int_equal(size_of(s, NULL, other), -1);
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
    assert_int_equal(size_of(s, NULL, manifest), -1);
    assert_int_equal(size_of(s, NULL, config), -1);
    assert_int_equal(size_of(s, NULL, layer), -1);
}

static void test_references_are_replaced(void **state)
{
    struct content_suite *s = *state;
    char manifest[SK_DIGEST_SIZE], first[SK_DIGEST_SIZE], second[SK_DIGEST_SIZE];
    const struct sk_content_ref one[] = {{.name = "one", .target = first}};
    const struct sk_content_ref two[] = {{.name = "two", .target = second}};

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    sk_digest_of("not there", 9, manifest);
    assert_int_equal(set_refs(s, manifest, one, 0), SK_NOT_FOUND);
    assert_int_equal(put_blob(s, LEASE_A, "manifest 2", 10, manifest), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "first", 5, first), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "second", 6, second), SK_OK);
    assert_int_equal(set_refs(s, manifest, one, 1), SK_OK);
    assert_int_equal(set_refs(s, manifest, two, 1), SK_OK);
    assert_int_equal(put_image(s, IMAGE, manifest, ""), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(size_of(s, NULL, first), -1);
    assert_int_equal(size_of(s, NULL, second), 6);
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
}

static void test_names(void **state)
{
    struct content_suite *s = *state;
    char first[SK_DIGEST_SIZE], second[SK_DIGEST_SIZE];
    struct sk_stored_images found;
    struct sk_wait w;

    assert_int_equal(find_image(s, IMAGE, &found), SK_NOT_FOUND);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "111", 3, first), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "222", 3, second), SK_OK);
    assert_int_equal(put_image(s, IMAGE, first, "key 1"), SK_OK);
    assert_int_equal(find_image(s, IMAGE, &found), SK_OK);
    assert_int_equal(found.len, 1);
    assert_string_equal(found.items[0].name, IMAGE);
    assert_string_equal(found.items[0].target.digest, first);
    assert_string_equal(found.items[0].target.media_type, "application/vnd.oci.image.manifest.v1+json");
    assert_int_equal(found.items[0].target.size, 3);
    assert_string_equal(found.items[0].puller, "key 1");
    assert_int_equal(found.items[0].used_s, 0);
    assert_true(found.items[0].created_s > 0);
    sk_stored_images_fini(&found);
    sk_wait_init(&w, s->loop);
    s->content->ops->touch_image(s->content, IMAGE, 1234567890, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->touch_image(s->content, "registry.test/none:1", 1234567890, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_int_equal(put_image(s, IMAGE, second, ""), SK_OK); /* moved */
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_int_equal(find_image(s, IMAGE, &found), SK_OK);
    assert_string_equal(found.items[0].target.digest, second);
    assert_string_equal(found.items[0].puller, "");
    assert_int_equal(found.items[0].used_s, 1234567890);
    sk_stored_images_fini(&found);
    assert_int_equal(size_of(s, NULL, first), -1);
    assert_int_equal(size_of(s, NULL, second), 3);
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
    assert_int_equal(find_image(s, IMAGE, &found), SK_NOT_FOUND);
}

static void test_all_names(void **state)
{
    struct content_suite *s = *state;
    struct sk_stored_images before = {0}, after = {0};
    char digest[SK_DIGEST_SIZE];
    struct sk_wait w;

    sk_wait_init(&w, s->loop);
    s->content->ops->list_images(s->content, &before, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "333", 3, digest), SK_OK);
    assert_int_equal(put_image(s, IMAGE, digest, "x"), SK_OK);
    assert_int_equal(put_image(s, IMAGE "2", digest, "y"), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->list_images(s->content, &after, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_int_equal(after.len, before.len + 2);
    sk_stored_images_fini(&before);
    sk_stored_images_fini(&after);
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), 3);
    assert_int_equal(remove_image(s, IMAGE "2"), SK_OK);
    assert_int_equal(size_of(s, NULL, digest), -1);
}

/* --- layers ----------------------------------------------------------------------------------- */

static void test_layers_are_unpacked_and_held(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf low = tarball_of("etc/motd", "hello\n");
    SK_CLEANUP(sk_buf_fini) struct sk_buf high = tarball_of("etc/other", "more\n");
    char config[SK_DIGEST_SIZE], lower[SK_DIGEST_SIZE], upper[SK_DIGEST_SIZE], chain[SK_DIGEST_SIZE];
    const struct sk_content_ref refs[] = {{.is_snapshot = true, .name = "rootfs", .target = chain}};

    sk_digest_of("a chain id", 10, chain);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "config of layers", 16, config), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, low.data, low.len, lower), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, high.data, high.len, upper), SK_OK);
    const struct sk_unpack_ask first = unpack_ask(lower, low.len, lower, "", lower);
    struct sk_unpack_ask second = unpack_ask(upper, high.len, upper, lower, chain);
    int64_t told = -1;
    second.out_bytes = &told;
    assert_int_equal(measure(s, lower), 0);
    assert_int_equal(unpack(s, &second), SK_NOT_FOUND); /* not without what is below */
    assert_int_equal(unpack(s, &first), SK_OK);
    assert_true(has_snapshot(s, lower));
    assert_false(has_snapshot(s, chain));
    assert_int_equal(unpack(s, &second), SK_OK);
    assert_int_equal(unpack(s, &second), SK_OK); /* again: no harm */
    assert_true(has_snapshot(s, chain));
    assert_true(measure(s, lower) > 0);
    assert_true(measure(s, chain) > measure(s, lower));
    assert_int_equal(measure_above(s, chain, lower), measure(s, chain) - measure(s, lower));
    assert_int_equal(told, measure_above(s, chain, lower)); /* when it was unpacked */
    assert_int_equal(set_refs(s, config, refs, 1), SK_OK);
    assert_int_equal(put_image(s, IMAGE, config, ""), SK_OK);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_true(has_snapshot(s, chain));
    assert_true(has_snapshot(s, lower));
    assert_int_equal(remove_image(s, IMAGE), SK_OK);
    assert_false(has_snapshot(s, chain));
    assert_false(has_snapshot(s, lower));
    assert_int_equal(litter_count(s), 0);
}

static void test_a_lease_holds_a_layer_that_was_found(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("a", "found\n");
    char digest[SK_DIGEST_SIZE];
    bool found = false;
    struct sk_wait w;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(hold(s, LEASE_B), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, tar.data, tar.len, digest), SK_OK);
    const struct sk_unpack_ask ask = unpack_ask(digest, tar.len, digest, "", digest);
    assert_int_equal(unpack(s, &ask), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->find_snapshot(s->content, LEASE_B, digest, &found, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_true(found);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
    assert_true(has_snapshot(s, digest));
    assert_int_equal(let_go(s, LEASE_B), SK_OK);
    assert_false(has_snapshot(s, digest));
}

static void test_a_layer_that_is_not_what_the_config_says(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("a", "lie\n");
    char digest[SK_DIGEST_SIZE], said[SK_DIGEST_SIZE];

    sk_digest_of("something else", 14, said);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, tar.data, tar.len, digest), SK_OK);
    const struct sk_unpack_ask ask = unpack_ask(digest, tar.len, said, "", said);
    assert_int_equal(unpack(s, &ask), SK_FAILED_PRECONDITION);
    assert_false(has_snapshot(s, said));
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_a_layer_above_the_limit(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE char *text = sk_alloc(300001);
    memset(text, 'x', 300000);
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("large", text);
    char digest[SK_DIGEST_SIZE];

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, tar.data, tar.len, digest), SK_OK);
    struct sk_unpack_ask ask = unpack_ask(digest, tar.len, digest, "", digest);
    ask.max_bytes = 100000;
    assert_int_equal(unpack(s, &ask), SK_RESOURCE_EXHAUSTED);
    assert_false(has_snapshot(s, digest));
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_an_unpacking_that_is_cancelled(void **state)
{
    struct content_suite *s = *state;
    SK_CLEANUP(sk_buf_fini) struct sk_buf tar = tarball_of("a", "cancelled\n");
    char digest[SK_DIGEST_SIZE];
    struct sk_wait w;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, tar.data, tar.len, digest), SK_OK);
    const struct sk_unpack_ask ask = unpack_ask(digest, tar.len, digest, "", digest);
    sk_wait_init(&w, s->loop);
    s->content->ops->unpack(s->content, &ask, &w.done);
    sk_done_cancel(&w.done);
    assert_int_equal(sk_wait(&w), SK_CANCELLED);
    assert_false(has_snapshot(s, digest));
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

/* --- litter, disk --------------------------------------------------------------------------------- */

static void test_what_a_killed_daemon_leaves_is_litter(void **state)
{
    struct content_suite *s = *state;
    SK_AUTO_FREE uint8_t *bytes = make_bytes(MANY, 9);
    char digest[SK_DIGEST_SIZE], other[SK_DIGEST_SIZE];
    struct sk_blob_writer *writer;

    sk_digest_of(bytes, MANY, digest);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "held by it", 10, other), SK_OK);
    assert_int_equal(open_blob(s, LEASE_A, digest, MANY, &writer), SK_OK);
    assert_int_equal(write_some(s, writer, bytes, MANY / 2), SK_OK);
    assert_int_equal(litter_count(s), 0);
    s->content->ops->close(writer, true);
    assert_int_equal(litter_count(s), 0);
    s->restart(s);
    struct sk_litter_list left = litter(s);
    assert_int_equal(left.len, 2);
    for (size_t i = 0; i < left.len; i++) {
        struct sk_wait w;
        assert_true(left.items[i].is_nobodys);
        sk_wait_init(&w, s->loop);
        s->content->ops->remove_litter(s->content, &left.items[i], &w.done);
        assert_int_equal(sk_wait(&w), SK_OK);
    }
    free(left.items);
    assert_int_equal(litter_count(s), 0);
    assert_int_equal(size_of(s, NULL, other), -1);
}

static void test_litter_that_is_used_again_stays(void **state)
{
    struct content_suite *s = *state;
    char digest[SK_DIGEST_SIZE];
    struct sk_wait w;

    assert_int_equal(hold(s, LEASE_A), SK_OK);
    assert_int_equal(put_blob(s, LEASE_A, "used again", 10, digest), SK_OK);
    s->restart(s);
    struct sk_litter_list left = litter(s);
    assert_int_equal(left.len, 1);
    assert_int_equal(hold(s, LEASE_A), SK_OK);
    sk_wait_init(&w, s->loop);
    s->content->ops->remove_litter(s->content, &left.items[0], &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    free(left.items);
    assert_int_equal(size_of(s, NULL, digest), 10);
    assert_int_equal(let_go(s, LEASE_A), SK_OK);
}

static void test_the_disk(void **state)
{
    struct content_suite *s = *state;
    struct sk_disk_room disk = {0};
    struct sk_wait w;

    sk_wait_init(&w, s->loop);
    s->content->ops->disk(s->content, &disk, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_true(disk.total_bytes > 0);
    assert_true(disk.free_bytes > 0 && disk.free_bytes <= disk.total_bytes);
}

static int run_content_suite(struct content_suite *s)
{
    cmocka_set_test_filter(getenv("SK_ONLY"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_what_is_written_is_there_until_nothing_holds_it, s),
        cmocka_unit_test_prestate(test_an_empty_blob, s),
        cmocka_unit_test_prestate(test_reading_what_is_not_there_or_too_long, s),
        cmocka_unit_test_prestate(test_a_kept_write_goes_on, s),
        cmocka_unit_test_prestate(test_a_write_that_is_not_kept_begins_anew, s),
        cmocka_unit_test_prestate(test_a_lie_about_the_size_of_a_kept_write, s),
        cmocka_unit_test_prestate(test_other_bytes_are_thrown_away, s),
        cmocka_unit_test_prestate(test_too_few_bytes_and_too_many, s),
        cmocka_unit_test_prestate(test_a_blob_that_is_there_is_put_under_the_lease, s),
        cmocka_unit_test_prestate(test_several_writers_at_once, s),
        cmocka_unit_test_prestate(test_an_open_that_is_cancelled, s),
        cmocka_unit_test_prestate(test_leases_can_be_held_again_and_let_go_twice, s),
        cmocka_unit_test_prestate(test_a_name_holds_what_the_references_reach, s),
        cmocka_unit_test_prestate(test_references_are_replaced, s),
        cmocka_unit_test_prestate(test_names, s),
        cmocka_unit_test_prestate(test_all_names, s),
        cmocka_unit_test_prestate(test_layers_are_unpacked_and_held, s),
        cmocka_unit_test_prestate(test_a_lease_holds_a_layer_that_was_found, s),
        cmocka_unit_test_prestate(test_a_layer_that_is_not_what_the_config_says, s),
        cmocka_unit_test_prestate(test_a_layer_above_the_limit, s),
        cmocka_unit_test_prestate(test_an_unpacking_that_is_cancelled, s),
        cmocka_unit_test_prestate(test_what_a_killed_daemon_leaves_is_litter, s),
        cmocka_unit_test_prestate(test_litter_that_is_used_again_stays, s),
        cmocka_unit_test_prestate(test_the_disk, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
