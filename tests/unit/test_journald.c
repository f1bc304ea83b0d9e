/* The journal's native protocol, as a socket of the test's own gets it. */
#include "base/journald.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct rig {
    char folder[64], path[96];
    int fd; /* the journal's end */
    int file;
    struct sk_journald journald;
    struct sk_log log;
    char entry[128 * 1024];
    size_t len;
};

static struct rig *rig;

static int setup(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sk_err err;
    (void)state;
    rig = sk_alloc(sizeof(*rig));
    (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/sk-journald-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    (void)snprintf(rig->path, sizeof(rig->path), "%s/socket", rig->folder);
    rig->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
    assert_int_equal(bind(rig->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(sk_journald_open(&rig->journald, rig->path, &err), SK_OK);
    char file[96];
    (void)snprintf(file, sizeof(file), "%s/stderr", rig->folder);
    rig->file = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    sk_log_init(&rig->log, rig->file, SK_INFO);
    rig->log.journald = &rig->journald;
    return 0;
}

static int teardown(void **state)
{
    char file[96];
    (void)state;
    sk_journald_close(&rig->journald);
    (void)snprintf(file, sizeof(file), "%s/stderr", rig->folder);
    (void)unlink(file);
    (void)unlink(rig->path);
    (void)rmdir(rig->folder);
    sk_close_fd(&rig->fd);
    sk_close_fd(&rig->file);
    free(rig);
    return 0;
}

static void receive(void)
{
    ssize_t len = recv(rig->fd, rig->entry, sizeof(rig->entry) - 1, MSG_DONTWAIT);
    assert_true(len > 0);
    rig->len = (size_t)len;
    rig->entry[len] = '\0';
}

/* A whole line of the entry. */
static bool has(const char *line)
{
    SK_AUTO_FREE char *wanted = sk_printf("\n%s\n", line);
    SK_AUTO_FREE char *entry = sk_printf("\n%s", rig->entry);
    return strstr(entry, wanted) != NULL;
}

static void test_fields(void **state)
{
    struct sk_err err;
    struct sk_log child = {.parent = &rig->log, .fields = {SK_STR("request", "0011")}};
    (void)state;
    (void)!sk_fail(&err, SK_NOT_FOUND, "nothing there");
    sk_log_err(&child, SK_WARN, "rpc.failed", &err, SK_INT("n", -5), SK_BOOL("b", true),
               SK_MS("took", SK_MSEC(3)), SK_STR("none", NULL));
    receive();
    assert_true(has("PRIORITY=4"));
    assert_true(has("SYSLOG_IDENTIFIER=sandkeepd"));
    assert_true(has("SANDKEEP_EVENT=rpc.failed"));
    assert_true(has("SANDKEEP_REQUEST=0011"));
    assert_true(has("SANDKEEP_N=-5"));
    assert_true(has("SANDKEEP_B=true"));
    assert_true(has("SANDKEEP_TOOK_MS=3.000"));
    assert_true(has("SANDKEEP_CODE=not_found"));
    assert_true(has("SANDKEEP_ERROR=nothing there"));
    assert_non_null(strstr(rig->entry, "\nMESSAGE=rpc.failed request=0011 n=-5"));
    sk_log(&rig->log, SK_DEBUG, "not.told");
    assert_int_equal(recv(rig->fd, rig->entry, 1, MSG_DONTWAIT), -1);
    assert_int_equal(lseek(rig->file, 0, SEEK_END), 0);
}

/* Nobody adds a field by what he says. */
static void test_line_ends_in_values(void **state)
{
    static const char wanted[] = "SANDKEEP_PATH\n\x10\0\0\0\0\0\0\0a\nPRIORITY=0\nbcd\n";
    (void)state;
    sk_log(&rig->log, SK_INFO, "x", SK_STR("path", "a\nPRIORITY=0\nbcd"));
    receive();
    const void *found = memmem(rig->entry, rig->len, wanted, sizeof(wanted) - 1);
    assert_non_null(found);
    const char *message = memmem(rig->entry, rig->len, "MESSAGE\n", 8);
    assert_non_null(message);
}

static void test_what_is_long_is_cut(void **state)
{
    SK_AUTO_FREE char *text = sk_alloc(100001);
    (void)state;
    memset(text, 'x', 100000);
    struct sk_field fields[40] = {{0}};
    for (size_t i = 0; i < 39; i++)
        fields[i] = SK_STR("text", text);
    sk_log_write(&rig->log, SK_INFO, "long", fields);
    receive();
    assert_in_range(rig->len, 60000, 128 * 1024 - 1);
    assert_non_null(strstr(rig->entry, "MESSAGE=long"));
}

static void test_nothing_is_cut_within_a_character(void **state)
{
    char text[2000 * 3 + 1], wanted[sizeof("X=") + 1365 * 3 + 1] = "X=";
    (void)state;
    for (size_t i = 0; i < 2000; i++)
        memcpy(text + 3 * i, "\xe2\x82\xac", 4);
    memcpy(wanted + 2, text, 1365 * 3); /* as many as 4096 bytes hold */
    memcpy(wanted + 2 + 1365 * 3, "\n", 2);
    sk_log(&rig->log, SK_INFO, "euros", SK_STR("x", text));
    receive();
    assert_non_null(memmem(rig->entry, rig->len, wanted, strlen(wanted)));
}

/* The journal is gone, or full: the line is where it would be without it. */
static void test_what_is_not_taken(void **state)
{
    char line[4096] = "";
    (void)state;
    (void)unlink(rig->path);
    sk_log(&rig->log, SK_INFO, "still.told", SK_STR("a", "b"));
    assert_true(pread(rig->file, line, sizeof(line) - 1, 0) > 0);
    assert_non_null(strstr(line, "\"event\":\"still.told\",\"a\":\"b\"}"));
}

static void test_nobody_listens(void **state)
{
    struct sk_journald journald;
    struct sk_err err;
    (void)state;
    assert_int_equal(sk_journald_open(&journald, "/tmp/sk-nobody-listens-here", &err), SK_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_ends_in_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_long_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_cut_within_a_character, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_taken, setup, teardown),
        cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
