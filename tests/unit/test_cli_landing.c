#include "cli/landing.h"

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

struct rig {
    char root[64], file[80], link[80];
    struct sk_landing landing;
    struct sk_err err;
};

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    (void)snprintf(rig->root, sizeof(rig->root), "/tmp/sk-landing-XXXXXX");
    *state = rig;
    if (!mkdtemp(rig->root))
        return -1;
    (void)snprintf(rig->file, sizeof(rig->file), "%s/f", rig->root);
    (void)snprintf(rig->link, sizeof(rig->link), "%s/l", rig->root);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    sk_landing_close(&rig->landing);
    (void)unlink(rig->file);
    (void)unlink(rig->link);
    int code = rmdir(rig->root); /* nothing else is left */
    free(rig);
    return code;
}

static void write_file(const char *path, const char *text)
{
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_content(const char *path, const char *want)
{
    char got[32] = "";
    SK_AUTO_FD int fd = open(path, O_RDONLY);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_string_equal(got, want);
}

static void land(struct rig *rig, const char *path, const char *text)
{
    assert_int_equal(sk_landing_open(&rig->landing, path, 04777, &rig->err), SK_OK);
    assert_int_equal(write(rig->landing.fd, text, strlen(text)), strlen(text));
}

static void test_it_appears_whole(void **state)
{
    struct rig *rig = *state;
    struct stat info;

    land(rig, rig->file, "new");
    assert_int_equal(stat(rig->file, &info), -1);
    assert_int_equal(sk_landing_commit(&rig->landing, &rig->err), SK_OK);
    assert_content(rig->file, "new");
    assert_int_equal(stat(rig->file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0755);
}

static void test_or_not_at_all(void **state)
{
    struct rig *rig = *state;

    write_file(rig->file, "old");
    land(rig, rig->file, "new");
    sk_landing_close(&rig->landing);
    assert_content(rig->file, "old");
}

static void test_links_are_followed(void **state)
{
    struct rig *rig = *state;
    struct stat info;

    write_file(rig->file, "old");
    assert_int_equal(symlink("f", rig->link), 0);
    land(rig, rig->link, "new");
    assert_int_equal(sk_landing_commit(&rig->landing, &rig->err), SK_OK);
    assert_content(rig->file, "new");
    assert_int_equal(lstat(rig->link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void test_a_device_is_written_as_it_is(void **state)
{
    struct rig *rig = *state;
    struct stat info;

    land(rig, "/dev/null", "new");
    assert_int_equal(sk_landing_commit(&rig->landing, &rig->err), SK_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void test_no_such_folder(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(sk_landing_open(&rig->landing, "/no/such/file", 0644, &rig->err), SK_NOT_FOUND);
    assert_non_null(strstr(rig->err.text, "/no/such/file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_appears_whole),   TEST(test_or_not_at_all),
        TEST(test_links_are_followed), TEST(test_a_device_is_written_as_it_is),
        TEST(test_no_such_folder),
    };
    (void)umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
