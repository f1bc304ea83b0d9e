/* Files that the host end of the agent driver puts below a guest's directory. */
#include "drivers/agent/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct rig {
    struct sk_loop *loop;
    struct sk_agent *agent;
    struct sk_guest *guest;
    char dir[64];
    struct sk_done done;
    int answers;
    struct sk_err err;
};

static const struct sk_guest_events deaf = {0};

static void open_rig(struct rig *r)
{
    *r = (struct rig){0};
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/sk-host-files-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(sk_loop_new(&r->loop, NULL), SK_OK);
    assert_int_equal(sk_agent_channel_open(r->loop, NULL, r->dir, &r->agent, NULL), SK_OK);
    assert_int_equal(r->agent->ops->open(r->agent, "sb", &deaf, r, &r->guest, NULL), SK_OK);
}

/* Nothing may be left below the directory of all guests. */
static void close_rig(struct rig *r)
{
    r->agent->ops->close(r->guest, true);
    sk_agent_channel_close(r->agent);
    sk_loop_free(r->loop);
    SK_AUTO_FREE char *agents = sk_printf("%s/agent", r->dir);
    assert_int_equal(rmdir(agents), 0);
    assert_int_equal(rmdir(r->dir), 0);
}

static void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct rig *r = sk_container_of(done, struct rig, done);
    r->answers++;
    r->err = err ? *err : (struct sk_err){0};
    sk_loop_stop(r->loop);
}

static void put(struct rig *r, const struct sk_guest_file *files, size_t count)
{
    sk_done_init(&r->done, on_done);
    r->answers = 0;
    r->agent->ops->put_files(r->guest, files, count, &r->done);
    assert_int_equal(r->answers, 0);
    sk_loop_run(r->loop);
    assert_int_equal(r->answers, 1);
}

static void assert_holds(const struct rig *r, const char *name, const void *data, size_t len)
{
    SK_AUTO_FREE char *path = sk_printf("%s/agent/sb/files/%s", r->dir, name);
    SK_AUTO_FREE char *found = sk_alloc(len + 1);
    struct stat st;
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0555);
    assert_int_equal(st.st_size, len);
    assert_int_equal(read(fd, found, len + 1), len);
    assert_memory_equal(found, data, len);
}

static void test_written_and_gone(void **state)
{
    struct rig r;
    size_t len = 3 << 20;
    SK_AUTO_FREE char *big = sk_alloc(len);
    (void)state;
    memset(big, 'b', len);
    const struct sk_guest_file files[] = {{"a\0b", 3}, {NULL, 0}, {big, len}};
    open_rig(&r);
    mode_t before = umask(0077); /* the mode is what was promised all the same */
    put(&r, files, 3);
    (void)umask(before);
    assert_int_equal(r.err.code, SK_OK);
    assert_holds(&r, "0", "a\0b", 3);
    assert_holds(&r, "1", "", 0);
    assert_holds(&r, "2", big, len);
    close_rig(&r);
}

/* What an earlier daemon left half done, or somebody put there, is replaced and never followed. */
static void test_replaces(void **state)
{
    struct rig r;
    const struct sk_guest_file files[] = {{"one", 3}, {"two", 3}};
    (void)state;
    open_rig(&r);
    SK_AUTO_FREE char *folder = sk_printf("%s/agent/sb/files", r.dir);
    SK_AUTO_FREE char *link = sk_printf("%s/0", folder);
    SK_AUTO_FREE char *victim = sk_printf("%s/victim", r.dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink(victim, link), 0);
    put(&r, files, 2);
    put(&r, files, 2);
    assert_int_equal(r.err.code, SK_OK);
    assert_holds(&r, "0", "one", 3);
    assert_holds(&r, "1", "two", 3);
    assert_int_equal(access(victim, F_OK), -1);
    close_rig(&r);
}

/* A link in place of the folder is neither written through nor followed when the folder is removed. */
static void test_folder_is_a_link(void **state)
{
    struct rig r;
    const struct sk_guest_file files[] = {{"one", 3}};
    (void)state;
    open_rig(&r);
    SK_AUTO_FREE char *folder = sk_printf("%s/agent/sb/files", r.dir);
    SK_AUTO_FREE char *victim = sk_printf("%s/victim", r.dir);
    SK_AUTO_FREE char *kept = sk_printf("%s/kept", victim);
    assert_int_equal(mkdir(victim, 0700), 0);
    assert_int_equal(mkdir(kept, 0700), 0);
    assert_int_equal(symlink(victim, folder), 0);
    put(&r, files, 1);
    assert_int_equal(r.err.code, SK_INTERNAL);
    r.agent->ops->close(r.guest, true);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(unlink(folder), -1); /* it went itself */
    assert_int_equal(rmdir(kept), 0);
    assert_int_equal(rmdir(victim), 0);
    assert_int_equal(r.agent->ops->open(r.agent, "sb", &deaf, &r, &r.guest, NULL), SK_OK);
    close_rig(&r);
}

static void test_not_a_folder(void **state)
{
    struct rig r;
    const struct sk_guest_file files[] = {{"one", 3}};
    (void)state;
    open_rig(&r);
    SK_AUTO_FREE char *folder = sk_printf("%s/agent/sb/files", r.dir);
    SK_AUTO_FD int file = open(folder, O_WRONLY | O_CREAT, 0600); /* a file where the folder should be */
    assert_true(file >= 0);
    put(&r, files, 1);
    assert_int_equal(r.err.code, SK_INTERNAL);
    assert_non_null(strstr(r.err.text, "write the mounted files"));
    assert_int_equal(unlink(folder), 0);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_gone),
        cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_folder_is_a_link),
        cmocka_unit_test(test_not_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
