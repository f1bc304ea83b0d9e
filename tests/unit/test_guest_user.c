/* The guest is no library: its file is compiled in. */
#include "drivers/agent/guest/lines.c"
#include "drivers/agent/guest/user.c"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "app:x:1000:1001:App:/home/app:/bin/sh\n"
                             "homeless:x:1002:1002:::\n"
                             "wraps:x:4294967296:0::/:/bin/sh\n"
                             "minus:x:-1:0::/:/bin/sh\n"
                             "hex:x:0x0:0::/:/bin/sh\n"
                             "blank:x::0::/:/bin/sh\n"
                             "spaced:x: 0:0::/:/bin/sh\n"
                             "big:x:2147483648:0::/:/bin/sh\n"
                             "few:x:5:5\n"
                             "many:x:5:5::/:/bin/sh:more\n"
                             "-odd:x:0:0::/:/bin/sh\n"
                             "octal:x:00:00::/:/bin/sh\n"
                             "plus:x:+0:0::/:/bin/sh\n"
                             "gwraps:x:1004:4294967296::/:/bin/sh\n"
                             "edge:x:4294967295:0::/:/bin/sh\n"
                             "4242abc:x:0:0::/:/bin/sh\n"
                             ":x:0:0::/:/bin/sh\n"
                             "app:x:7:7::/second:/bin/sh\n"
                             "last:x:1003:1003::/home/last:/bin/sh";
static const char group[] = "root:x:0:\n"
                            "app:x:1001:\n"
                            "audio:x:29:app,other\n"
                            "video:x:44:other,app\n"
                            "none:x:45:apple\n"
                            "bad:x:4294967296:app\n"
                            "staff:x:50:\n";

struct files {
    char dir[32], passwd[64], group[64];
};

static void file_write(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    struct files *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/sk-user-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    (void)snprintf(f->passwd, sizeof f->passwd, "%s/passwd", f->dir);
    (void)snprintf(f->group, sizeof f->group, "%s/group", f->dir);
    file_write(f->passwd, passwd, sizeof passwd - 1);
    file_write(f->group, group, sizeof group - 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct files *f = *state;
    (void)unlink(f->passwd);
    (void)unlink(f->group);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static void accepts(void **state)
{
    static const struct {
        const char *text;
        uid_t uid;
        gid_t gid;
        size_t groups;
        const char *home;
    } cases[] = {
        {"", 0, 0, 0, "/root"},
        {"root", 0, 0, 0, "/root"},
        {"0", 0, 0, 0, "/root"},
        {"app", 1000, 1001, 2, "/home/app"},
        {"1000", 1000, 1001, 2, "/home/app"},
        {"app:staff", 1000, 50, 0, "/home/app"},
        {"1000:50", 1000, 50, 0, "/home/app"},
        {"app:0", 1000, 0, 0, "/home/app"},
        {"4242", 4242, 0, 0, "/"},
        {"4242:4343", 4242, 4343, 0, "/"},
        {"2147483647:2147483647", 2147483647, 2147483647, 0, "/"},
        {"homeless", 1002, 1002, 0, "/"},
        {"last", 1003, 1003, 0, "/home/last"},
    };
    const struct files *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sk_user user;
        assert_true(sk_user_resolve(cases[i].text, f->passwd, f->group, &user));
        assert_int_equal(user.uid, cases[i].uid);
        assert_int_equal(user.gid, cases[i].gid);
        assert_int_equal(user.group_count, cases[i].groups);
        assert_string_equal(user.home, cases[i].home);
    }
}

static void refuses(void **state)
{
    static const char *const texts[] = {
        ":", ":0", "0:", "app:", ":app", "2147483648", "4294967296", "99999999999999999999", "-1", "+0",
        "0x0", " 0", "0 ", "1e3", "..", "/root", "app app", "app:app:app", "nobody-here", "app:no-group",
        "wraps", "minus", "hex", "blank", "spaced", "big", "few", "many", "-odd", "app:bad", "app:-1",
        "0:0:0", "app\n", "1000:0x0", "1000: 5", "\xc3\xa9",
        /* what would be root to whoever cuts, wraps or guesses */
        "4294967295", "4294967294", "8589934592", "18446744073709551616", "00", "01", "0000000000", "000",
        "-0", "+1000", "-4294967296", "0b0", "0X0", "0.0", "0,0", "1000:", "1000:4294967296", "1000:-1",
        "1000:00", "1000:4294967295", "1000:2147483648", "1000:+5", "1000:0 ", "0:app:", "::", "0::0",
        "octal", "plus", "gwraps", "edge", "4242abc", "1000\t", "\t0", "\n0", "root\n", "root ", "Root",
        "root:", "root:wheel", "0 0", "\xd9\xa0" /* an Arabic zero */};
    const struct files *f = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sk_user user;
        if (sk_user_resolve(texts[i], f->passwd, f->group, &user))
            fail_msg("accepted \"%s\"", texts[i]);
    }
}

/* Whatever stands in the files' places: numbers work, names are unknown, and nothing blocks. */
static void odd_files_read_as_empty(void **state)
{
    struct files *f = *state;
    struct sk_user user;
    char fifo[64], garbage[20000];
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", f->dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    memset(garbage, 'a', sizeof garbage);
    memcpy(garbage + 10000, "\napp:x:\0:0:::\n\n::::::\n", 22);
    file_write(f->group, garbage, sizeof garbage);
    const char *const paths[] = {fifo, "/", "/no/such/file", "/dev/zero", "/proc/self/mem", f->group};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_true(sk_user_resolve("5:6", paths[i], paths[i], &user));
        assert_int_equal(user.uid, 5);
        assert_int_equal(user.gid, 6);
        assert_true(sk_user_resolve("", paths[i], paths[i], &user));
        assert_false(sk_user_resolve("app", paths[i], paths[i], &user));
        assert_false(sk_user_resolve("0:app", paths[i], paths[i], &user));
    }
    (void)unlink(fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepts, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_files_read_as_empty, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
