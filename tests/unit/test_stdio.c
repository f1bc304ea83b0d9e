/* The pipes of a process: which ends there are, and what they are joined to. */
#include "core/stdio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_reads(int fd, const char *text)
{
    char got[64] = {0};

    assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
    assert_string_equal(got, text);
}

static void test_apart(void **state)
{
    struct sk_stdio io;

    (void)state;
    assert_int_equal(sk_stdio_open(&io, true, NULL), SK_OK);
    say(io.child_out, "out");
    say(io.child_err, "err");
    say(io.in, "in");
    assert_reads(io.err, "err");
    assert_reads(io.keep_out, "out"); /* the same pipe as io.out */
    assert_reads(io.child_in, "in");
    sk_stdio_close(&io);
}

static void test_merged(void **state)
{
    struct sk_stdio io;

    (void)state;
    assert_int_equal(sk_stdio_open_merged(&io, NULL), SK_OK);
    say(io.child_out, "a");
    say(io.child_err, "b");
    say(io.child_out, "c");
    assert_reads(io.out, "abc");
    assert_true(io.in < 0 && io.child_in < 0 && io.err < 0 && io.keep_err < 0);
    sk_close_fd(&io.child_out);
    assert_int_equal(read(io.keep_out, &(char){0}, 1), -1); /* stderr still holds it open */
    sk_close_fd(&io.child_err);
    assert_int_equal(read(io.keep_out, &(char){0}, 1), 0);
    sk_stdio_close(&io);
    sk_stdio_close(&io);
}

/* Whatever cannot be had, all of it is given back. */
static void assert_gives_back(enum sk_code (*open_it)(struct sk_stdio *io, struct sk_err *err))
{
    struct rlimit before, tight;
    struct sk_stdio io;
    struct sk_err err = {0};
    int next = dup(0);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    (void)close(next);
    for (rlim_t room = 0;; room++) {
        tight = (struct rlimit){.rlim_cur = (rlim_t)next + room, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        enum sk_code code = open_it(&io, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (code == SK_OK)
            break;
        assert_int_equal(code, SK_RESOURCE_EXHAUSTED);
        assert_int_equal(dup(0), next);
        (void)close(next);
        assert_true(room < 20);
    }
    sk_stdio_close(&io);
    assert_int_equal(dup(0), next);
    (void)close(next);
}

static enum sk_code with_stdin(struct sk_stdio *io, struct sk_err *err)
{
    return sk_stdio_open(io, true, err);
}

static void test_no_descriptors(void **state)
{
    (void)state;
    assert_gives_back(with_stdin);
    assert_gives_back(sk_stdio_open_merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
