/* audit_rig.h: for the tests of the audit: a folder of its own, an audit on a
 * real loop, and a hand on its files. All static: one program includes it
 * once. */
#ifndef SK_TESTS_AUDIT_RIG_H
#define SK_TESTS_AUDIT_RIG_H

#include "audit/audit.h"
#include "audit/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UNUSED __attribute__((unused))

struct rig {
    char folder[64];
    struct sk_loop *loop;
    struct sk_audit_options options;
    struct sk_audit *audit;
    struct sk_done closed;
};

static struct rig rig;

static int setup(void **state)
{
    struct sk_err err;
    (void)state;
    rig = (struct rig){.folder = "/tmp/sk-audit-XXXXXX"};
    assert_non_null(mkdtemp(rig.folder));
    assert_int_equal(sk_loop_new(&rig.loop, &err), SK_OK);
    rig.options = (struct sk_audit_options){.loop = rig.loop,
                                            .folder = rig.folder,
                                            .limits = {.file_bytes = 1 << 20, .files = 100},
                                            .commands = true};
    return 0;
}

static int teardown(void **state)
{
    SK_AUTO_FREE char *command = sk_printf("rm -rf %s", rig.folder);
    (void)state;
    sk_loop_free(rig.loop);
    return system(command);
}

static UNUSED void open_audit(void)
{
    struct sk_err err = {0};
    enum sk_code code = sk_audit_open(&rig.options, &rig.audit, &err);
    if (code != SK_OK)
        fail_msg("%s", err.text);
}

static void on_closed(struct sk_done *done, const struct sk_err *err)
{
    (void)done;
    (void)err;
    sk_loop_stop(rig.loop);
}

static UNUSED void close_audit(void)
{
    sk_done_init(&rig.closed, on_closed);
    sk_audit_close(sk_take(rig.audit), &rig.closed);
    sk_loop_run(rig.loop);
}

/* A thing that was done. */
static UNUSED void tell(const char *sandbox)
{
    char *const command[] = {"sh", "-c", "echo \"a\\b\""};
    sk_audit_write(rig.audit, &(struct sk_audit_event){.event = "executed",
                                                       .tenant = "default",
                                                       .key = "0123456789ab",
                                                       .peer = "ipv4:127.0.0.1:1",
                                                       .sandbox = sandbox,
                                                       .command = command,
                                                       .command_len = 3,
                                                       .code = "OK"});
}

static UNUSED struct sk_audit_report verify(void)
{
    struct sk_audit_report report;
    struct sk_err err;
    assert_int_equal(sk_audit_verify(rig.folder, &report, &err), SK_OK);
    return report;
}

static UNUSED void assert_whole(void)
{
    struct sk_audit_report report = verify();
    if (report.broken)
        fail_msg("%s line %llu: %s", report.file, (unsigned long long)report.line, report.what);
}

/* --- files ------------------------------------------------------------------------ */

static UNUSED char *path_of(const char *name)
{
    return sk_printf("%s/%s", rig.folder, name);
}

/* The n-th file by name, from 0; heap; NULL: there are fewer. */
static UNUSED char *nth_file(size_t n)
{
    struct sk_err err;
    SK_AUTO_FREE uint64_t *firsts = NULL;
    char name[SK_AUDIT_NAME_SIZE];
    size_t count;
    SK_AUTO_FD int fd = open(rig.folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(sk_audit_list(fd, &firsts, &count, &err), SK_OK);
    if (n >= count)
        return NULL;
    sk_audit_name(firsts[n], name);
    return path_of(name);
}

static UNUSED char *load(const char *path, size_t *out_len)
{
    struct stat stat_;
    SK_AUTO_FD int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &stat_) == 0);
    char *text = sk_alloc((size_t)stat_.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)stat_.st_size), stat_.st_size);
    *out_len = (size_t)stat_.st_size;
    return text;
}

static UNUSED void store(const char *path, const char *text, size_t len)
{
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
}

/* How often a text stands in the lines. */
struct hunt {
    const char *text;
    size_t found;
};

static bool hunt_line(void *arg, const char *line)
{
    struct hunt *hunt = arg;
    hunt->found += strstr(line, hunt->text) != NULL;
    return true;
}

static UNUSED size_t count_lines(const char *text)
{
    struct hunt hunt = {.text = text};
    struct sk_err err;
    assert_int_equal(sk_audit_each(rig.folder, hunt_line, &hunt, &err), SK_OK);
    return hunt.found;
}

#endif
