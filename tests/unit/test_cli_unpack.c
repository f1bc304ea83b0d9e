/* Archives as a hostile sandbox would send them, and folders there and back. */
#include "cli/pack.h"
#include "cli/unpack.h"

#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define ARCHIVE_MAX ((size_t)1 << 20)

struct rig {
    char root[64]; /* of all: in/ is where archives are unpacked, out/ beside it is not to be touched */
    struct sk_buf tar;
    size_t at, skipped;
    bool cut; /* give only half of it */
    struct sk_err err;
};

static char *path(const struct rig *rig, const char *name)
{
    return sk_printf("%s/%s", rig->root, name);
}

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    (void)snprintf(rig->root, sizeof(rig->root), "/tmp/sk-unpack-XXXXXX");
    sk_buf_init(&rig->tar, ARCHIVE_MAX);
    if (!mkdtemp(rig->root))
        return -1;
    SK_AUTO_FREE char *in = path(rig, "in");
    SK_AUTO_FREE char *out = path(rig, "out");
    *state = rig;
    return mkdir(in, 0755) || mkdir(out, 0755);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *remove = sk_printf("rm -rf %s", rig->root);
    int code = system(remove);

    sk_buf_fini(&rig->tar);
    free(rig);
    return code;
}

/* --- making archives ----------------------------------------------------------- */

static la_ssize_t on_archive(struct archive *tar, void *arg, const void *data, size_t len)
{
    struct rig *rig = arg;
    (void)tar;
    return sk_buf_append(&rig->tar, data, len) == SK_OK ? (la_ssize_t)len : -1;
}

struct item {
    unsigned type;
    const char *name, *link, *content;
    mode_t mode;
};

static void put(struct archive *tar, const struct item *item)
{
    struct archive_entry *entry = archive_entry_new();
    size_t len = item->content ? strlen(item->content) : 0;

    archive_entry_set_pathname(entry, item->name);
    archive_entry_set_filetype(entry, item->type);
    archive_entry_set_perm(entry, item->mode ? item->mode : 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    if (item->link && item->type == AE_IFLNK)
        archive_entry_set_symlink(entry, item->link);
    else if (item->link)
        archive_entry_set_hardlink(entry, item->link);
    assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
    if (len)
        assert_int_equal(archive_write_data(tar, item->content, len), len);
    archive_entry_free(entry);
}

/* A type of 0 ends the list. */
static void make(struct rig *rig, const struct item *items)
{
    struct archive *tar = archive_write_new();

    (void)archive_write_set_format_gnutar(tar);
    (void)archive_write_open(tar, rig, NULL, on_archive, NULL);
    for (; items->type; items++)
        put(tar, items);
    (void)archive_write_close(tar);
    (void)archive_write_free(tar);
}

/* --- unpacking them -------------------------------------------------------------- */

static bool on_read(void *arg, const uint8_t **out_data, size_t *out_len)
{
    struct rig *rig = arg;
    size_t end = rig->cut ? rig->tar.len / 2 : rig->tar.len;
    size_t len = end - rig->at < 700 ? end - rig->at : 700; /* no multiple of a block */

    *out_data = rig->tar.data + rig->at;
    *out_len = len;
    rig->at += len;
    return len > 0;
}

static void on_skipped(void *arg, const char *name, const char *why)
{
    struct rig *rig = arg;
    (void)name;
    (void)why;
    rig->skipped++;
}

static enum sk_code unpack(struct rig *rig)
{
    const struct sk_unpack_source source = {on_read, on_skipped, rig};
    SK_AUTO_FREE char *in = path(rig, "in");

    rig->at = 0;
    return sk_unpack(in, &source, &rig->err);
}

static void assert_file(const struct rig *rig, const char *name, const char *content, mode_t mode)
{
    SK_AUTO_FREE char *full = path(rig, name);
    char got[64] = "";
    struct stat info;
    SK_AUTO_FD int fd = open(full, O_RDONLY | O_NOFOLLOW);

    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_string_equal(got, content);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_mode & 07777, mode);
}

static void assert_nothing(const struct rig *rig, const char *name)
{
    SK_AUTO_FREE char *full = path(rig, name);
    struct stat info;
    assert_int_equal(lstat(full, &info), -1);
}

/* The archive ends the whole, and out/ is as it was. */
static void refused(struct rig *rig, const struct item *items)
{
    sk_buf_clear(&rig->tar);
    make(rig, items);
    assert_int_not_equal(unpack(rig), SK_OK);
    assert_nothing(rig, "out/x");
    assert_nothing(rig, "x");
}

static void test_names(void **state)
{
    static const char *const safe[] = {"a", "./a", "a/b", "a/..b/c", "...", "a/"};
    static const char *const unsafe[] = {"", "/a", "..", "../a", "a/..", "a/../b", "./../a"};

    (void)state;
    assert_false(sk_unpack_name_is_safe(NULL));
    for (size_t i = 0; i < sk_array_len(safe); i++)
        assert_true(sk_unpack_name_is_safe(safe[i]));
    for (size_t i = 0; i < sk_array_len(unsafe); i++)
        assert_false(sk_unpack_name_is_safe(unsafe[i]));
}

static void test_an_honest_archive(void **state)
{
    static const struct item items[] = {
        {AE_IFDIR, "./", NULL, NULL, 0700},
        {AE_IFDIR, "./d", NULL, NULL, 0755},
        {AE_IFREG, "./d/f", NULL, "content", 0640},
        {AE_IFREG, "./suid", NULL, "s", 06755},
        {AE_IFLNK, "./l", "d/f", NULL, 0777},
        {AE_IFREG, "./hard", "./d/f", NULL, 0640},
        {0},
    };
    struct rig *rig = *state;
    char target[16] = "";
    SK_AUTO_FREE char *link = path(rig, "in/l");

    make(rig, items);
    assert_int_equal(unpack(rig), SK_OK);
    assert_file(rig, "in/d/f", "content", 0640);
    assert_file(rig, "in/suid", "s", 0755);
    assert_file(rig, "in/hard", "content", 0640);
    assert_int_equal(readlink(link, target, sizeof(target)), 3);
    assert_int_equal(rig->skipped, 0);
}

static void test_names_that_lead_out(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *absolute = path(rig, "out/x");
    const struct item climbing[] = {{AE_IFREG, "../out/x", NULL, "evil", 0}, {0}};
    const struct item rooted[] = {{AE_IFREG, absolute, NULL, "evil", 0}, {0}};
    const struct item hidden[] = {{AE_IFREG, "a/../../x", NULL, "evil", 0}, {0}};
    const struct item folder[] = {{AE_IFDIR, "../x", NULL, NULL, 0755}, {0}};
    const struct item linked[] = {{AE_IFREG, "h", "../out/secret", NULL, 0}, {0}};

    refused(rig, climbing);
    refused(rig, rooted);
    refused(rig, hidden);
    refused(rig, folder);
    refused(rig, linked);
}

static void test_files_through_symbolic_links(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *out = path(rig, "out");
    const struct item absolute[] = {{AE_IFLNK, "l", out, NULL, 0}, {AE_IFREG, "l/x", NULL, "evil", 0}, {0}};
    const struct item relative[] = {
        {AE_IFLNK, "m", "../out", NULL, 0}, {AE_IFDIR, "m/x", NULL, NULL, 0755}, {0}};
    const struct item deep[] = {{AE_IFDIR, "d", NULL, NULL, 0755},
                                {AE_IFLNK, "d/l", "../../out", NULL, 0},
                                {AE_IFREG, "d/l/x", NULL, "evil", 0},
                                {0}};
    const struct item hard[] = {{AE_IFLNK, "n", out, NULL, 0}, {AE_IFREG, "h", "n/secret", NULL, 0}, {0}};
    SK_AUTO_FREE char *secret = path(rig, "out/secret");
    SK_AUTO_FD int fd = open(secret, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    refused(rig, absolute);
    refused(rig, relative);
    refused(rig, deep);
    refused(rig, hard);
    assert_nothing(rig, "in/h");
}

/* The link itself is replaced, never what it points to. */
static void test_a_file_in_place_of_a_link(void **state)
{
    struct rig *rig = *state;
    const struct item items[] = {{AE_IFLNK, "l", "../out/x", NULL, 0}, {AE_IFREG, "l", NULL, "mine", 0}, {0}};

    make(rig, items);
    assert_int_equal(unpack(rig), SK_OK);
    assert_file(rig, "in/l", "mine", 0644);
    assert_nothing(rig, "out/x");
}

static void test_hard_links_inside(void **state)
{
    struct rig *rig = *state;
    const struct item items[] = {{AE_IFREG, "f", NULL, "first", 0}, {AE_IFREG, "h", "f", NULL, 0}, {0}};

    make(rig, items);
    assert_int_equal(unpack(rig), SK_OK);
    assert_file(rig, "in/f", "first", 0644);
    assert_file(rig, "in/h", "first", 0644);
}

static void test_devices_and_pipes_are_left_out(void **state)
{
    struct rig *rig = *state;
    const struct item items[] = {{AE_IFCHR, "null", NULL, NULL, 0666},
                                 {AE_IFBLK, "sda", NULL, NULL, 0666},
                                 {AE_IFIFO, "pipe", NULL, NULL, 0666},
                                 {AE_IFREG, "after", NULL, "here", 0},
                                 {0}};

    make(rig, items);
    assert_int_equal(unpack(rig), SK_OK);
    assert_int_equal(rig->skipped, 3);
    assert_nothing(rig, "in/null");
    assert_nothing(rig, "in/sda");
    assert_nothing(rig, "in/pipe");
    assert_file(rig, "in/after", "here", 0644);
}

static void test_half_an_archive_leaves_no_half_file(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *content = sk_alloc(100001);
    const struct item items[] = {{AE_IFREG, "big", NULL, content, 0}, {0}};

    memset(content, 'c', 100000);
    make(rig, items);
    rig->cut = true;
    assert_int_not_equal(unpack(rig), SK_OK);
    assert_nothing(rig, "in/big");
}

static void test_no_archive_at_all(void **state)
{
    struct rig *rig = *state;
    static const char text[] = "tar: not found\n";

    assert_int_equal(sk_buf_append(&rig->tar, text, sizeof(text)), SK_OK);
    assert_int_not_equal(unpack(rig), SK_OK);
}

/* --- there and back --------------------------------------------------------------- */

static bool on_packed(void *arg, const uint8_t *data, size_t len)
{
    struct rig *rig = arg;
    return sk_buf_append(&rig->tar, data, len) == SK_OK;
}

static void test_there_and_back(void **state)
{
    struct rig *rig = *state;
    const struct sk_pack_sink sink = {on_packed, on_skipped, rig};
    SK_AUTO_FREE char *out = path(rig, "out");
    SK_AUTO_FREE char *fill =
        sk_printf("cd %s && mkdir -p d/e && printf x > d/e/f && chmod 751 d/e/f && ln -s /nowhere l && "
                  "mkfifo p && printf y > %0200d && printf z > '\xc3\xa4'",
                  out, 7);
    SK_AUTO_FREE char *name = sk_printf("in/%0200d", 7);
    char target[16] = "";
    SK_AUTO_FREE char *link = path(rig, "in/l");

    assert_int_equal(system(fill), 0);
    assert_int_equal(sk_pack(out, &sink, &rig->err), SK_OK);
    assert_int_equal(rig->skipped, 1); /* the pipe */
    assert_int_equal(unpack(rig), SK_OK);
    assert_file(rig, "in/d/e/f", "x", 0751);
    assert_file(rig, name, "y", 0644);
    assert_file(rig, "in/\xc3\xa4", "z", 0644);
    assert_int_equal(readlink(link, target, sizeof(target)), 8);
    assert_nothing(rig, "in/p");
}

/* The file that is being packed loses its end to somebody else. */
static bool on_shrinking(void *arg, const uint8_t *data, size_t len)
{
    struct rig *rig = arg;
    SK_AUTO_FREE char *name = path(rig, "out/long");

    return truncate(name, 70000) == 0 && on_packed(arg, data, len);
}

static void test_a_file_that_shrinks_is_named(void **state)
{
    struct rig *rig = *state;
    const struct sk_pack_sink sink = {on_shrinking, on_skipped, rig};
    SK_AUTO_FREE char *out = path(rig, "out");
    SK_AUTO_FREE char *fill = sk_printf("cd %s && head -c 500000 /dev/zero > long", out);

    assert_int_equal(system(fill), 0);
    assert_int_equal(sk_pack(out, &sink, &rig->err), SK_OK);
    assert_int_equal(rig->skipped, 1);
    assert_int_equal(unpack(rig), SK_OK); /* the archive is in order all the same */
}

static bool on_full(void *arg, const uint8_t *data, size_t len)
{
    (void)arg;
    (void)data;
    (void)len;
    return false;
}

static void test_nobody_takes_the_archive(void **state)
{
    struct rig *rig = *state;
    const struct sk_pack_sink sink = {on_full, on_skipped, rig};

    assert_int_equal(sk_pack(rig->root, &sink, &rig->err), SK_UNAVAILABLE);
    assert_int_equal(sk_pack("/no/such/folder", &sink, &rig->err), SK_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        TEST(test_an_honest_archive),
        TEST(test_names_that_lead_out),
        TEST(test_files_through_symbolic_links),
        TEST(test_a_file_in_place_of_a_link),
        TEST(test_hard_links_inside),
        TEST(test_devices_and_pipes_are_left_out),
        TEST(test_half_an_archive_leaves_no_half_file),
        TEST(test_no_archive_at_all),
        TEST(test_there_and_back),
        TEST(test_a_file_that_shrinks_is_named),
        TEST(test_nobody_takes_the_archive),
    };
    (void)umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
