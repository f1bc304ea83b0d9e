#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char dir[64], path[80];
    char *text;
    size_t len;
    mode_t mode;
    struct sk_err err;
};

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/sk-file-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/it", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    int left = rmdir(f->dir);
    free(f->text);
    free(f);
    return left;
}

static void write_it(const struct fixture *f, const char *bytes, size_t len)
{
    SK_AUTO_FD int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
}

static enum sk_code read_it(struct fixture *f, size_t max)
{
    return sk_file_load(f->path, max, &f->text, &f->len, &f->mode, &f->err);
}

static void gives_all_bytes_and_a_nul(void **state)
{
    struct fixture *f = *state;
    write_it(f, "a\0b", 3);
    assert_int_equal(chmod(f->path, 0604), 0);
    assert_int_equal(read_it(f, 3), SK_OK);
    assert_int_equal(f->len, 3);
    assert_memory_equal(f->text, "a\0b\0", 4);
    assert_int_equal(f->mode & 0777, 0604);
}

static void an_empty_file_is_an_empty_text(void **state)
{
    struct fixture *f = *state;
    write_it(f, "", 0);
    assert_int_equal(read_it(f, 0), SK_OK);
    assert_int_equal(f->len, 0);
    assert_string_equal(f->text, "");
}

static void refuses_one_byte_too_many(void **state)
{
    struct fixture *f = *state;
    write_it(f, "four", 4);
    assert_int_equal(read_it(f, 3), SK_OUT_OF_RANGE);
    assert_null(f->text);
}

static void says_why_a_file_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_it(f, 10), SK_NOT_FOUND);
    assert_int_equal(f->err.sys, ENOENT);
    assert_non_null(strstr(f->err.text, f->path));
}

static void refuses_what_is_not_a_file_without_waiting(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(read_it(f, 10), SK_FAILED_PRECONDITION);
    assert_int_equal(sk_file_load(f->dir, 10, &f->text, &f->len, &f->mode, &f->err), SK_FAILED_PRECONDITION);
}

static void secrets_must_be_private(void **state)
{
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0610, 0644, 0666};
    struct fixture *f = *state;

    write_it(f, "secret", 6);
    for (size_t i = 0; i < sk_array_len(open_modes); i++) {
        assert_int_equal(chmod(f->path, open_modes[i]), 0);
        assert_int_equal(sk_file_load_private(f->path, 10, &f->text, &f->len, &f->err), SK_PERMISSION_DENIED);
        assert_null(f->text);
        assert_non_null(strstr(f->err.text, "give it mode 0600"));
    }
    assert_int_equal(chmod(f->path, 0400), 0);
    assert_int_equal(sk_file_load_private(f->path, 10, &f->text, &f->len, &f->err), SK_OK);
    assert_string_equal(f->text, "secret");
    assert_int_equal(sk_file_load_private(f->dir, 10, &f->text, &f->len, &f->err), SK_FAILED_PRECONDITION);
}

/* Only root can give files away. */
static void secrets_of_somebody_else_are_not_taken(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    write_it(f, "secret", 6);
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(chown(f->path, 4242, 4242), 0);
    assert_int_equal(sk_file_load_private(f->path, 10, &f->text, &f->len, &f->err), SK_PERMISSION_DENIED);
    assert_non_null(strstr(f->err.text, "belongs to user 4242"));
}

static void replaces_a_file_with_its_mode(void **state)
{
    struct fixture *f = *state;

    write_it(f, "what was there before", 21);
    assert_int_equal(sk_file_replace(f->path, "new", 3, 0644, &f->err), SK_OK);
    assert_int_equal(read_it(f, 10), SK_OK);
    assert_string_equal(f->text, "new");
    assert_int_equal(f->mode & 07777, 0644);
}

static void keeps_the_old_file_when_it_cannot_be_replaced(void **state)
{
    struct fixture *f = *state;
    SK_AUTO_FREE char *fresh = sk_printf("%s.new", f->path);

    write_it(f, "old", 3);
    assert_int_equal(mkdir(fresh, 0700), 0); /* is in the way */
    assert_true(sk_file_replace(f->path, "new", 3, 0600, &f->err) != SK_OK);
    assert_non_null(strstr(f->err.text, "cannot write it"));
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(read_it(f, 10), SK_OK);
    assert_string_equal(f->text, "old");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gives_all_bytes_and_a_nul),
        TEST(an_empty_file_is_an_empty_text),
        TEST(refuses_one_byte_too_many),
        TEST(says_why_a_file_cannot_be_read),
        TEST(refuses_what_is_not_a_file_without_waiting),
        TEST(secrets_must_be_private),
        TEST(secrets_of_somebody_else_are_not_taken),
        TEST(replaces_a_file_with_its_mode),
        TEST(keeps_the_old_file_when_it_cannot_be_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
