/* agent_files.h: what every agent driver must do with files and terminals, run
 * on the fake and on the real one. Comes after agent.h. */
#ifndef SK_TESTS_CONTRACT_AGENT_FILES_H
#define SK_TESTS_CONTRACT_AGENT_FILES_H

#include "contract/agent.h"

#include <dirent.h>

/* --- files --------------------------------------------------------------------------- */

/* A directory that no other run uses; the file system may be the host's. */
static const char *files_path(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "/tmp/sk-contract-%d/%s", (int)getpid(), name);
    return path;
}

static void files_remove(void)
{
    static const char *const names[] = {"deep/er/file", "file", "deep/er", "deep", ""};
    for (size_t i = 0; i < sk_array_len(names); i++)
        (void)remove(files_path(names[i]));
    assert_int_equal(access(files_path(""), F_OK), -1); /* there was nothing else */
}

/* What a guest that was killed could not remove. */
static void files_sweep(void)
{
    DIR *dir = opendir(files_path(""));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    files_remove();
}

static struct sk_err rig_open_read(struct rig *rig, struct sk_file_ask ask, int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_read(rig->guest, &ask, out_fd, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err;
}

static struct sk_err rig_open_write(struct rig *rig, uint64_t key, struct sk_file_ask ask, int *out_fd)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_write(rig->guest, key, &ask, out_fd, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err;
}

static enum sk_code rig_commit(struct rig *rig, uint64_t key)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->commit(rig->guest, key, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

#define ASK(the_path) ((struct sk_file_ask){.path = (the_path), .working_dir = "", .user = ""})

/* Opened for writing and filled, not committed. */
static void rig_fill(struct rig *rig, uint64_t key, struct sk_file_ask ask, const char *text)
{
    int fd = -1;
    assert_int_equal(rig_open_write(rig, key, ask, &fd).code, SK_OK);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
    (void)close(fd);
}

static void rig_expect(struct rig *rig, struct sk_file_ask ask, const char *text)
{
    char data[64] = "";
    int fd = -1;
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_OK);
    assert_int_equal(pread(fd, data, sizeof data, 0), strlen(text));
    assert_string_equal(data, text);
    (void)close(fd);
}

static void writes_files_all_at_once(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    struct sk_file_ask ask = ASK(files_path("file"));
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_NOT_FOUND);
    rig_fill(rig, 1, ask, "first");
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_NOT_FOUND);
    assert_int_equal(rig_commit(rig, 1), SK_OK);
    rig_expect(rig, ask, "first");
    rig_fill(rig, 1, ask, "the second");
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_OK); /* before */
    assert_int_equal(rig_commit(rig, 1), SK_OK);
    rig_expect(rig, ask, "the second");
    char data[16];
    assert_int_equal(pread(fd, data, sizeof data, 0), 5); /* is what it was */
    (void)close(fd);
    files_remove();
}

static void abandons_without_a_trace(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    struct sk_file_ask ask = ASK(files_path("file"));
    rig_fill(rig, 1, ask, "kept");
    assert_int_equal(rig_commit(rig, 1), SK_OK);
    rig_fill(rig, 1, ask, "thrown away");
    rig->agent->ops->abandon(rig->guest, 1);
    rig->agent->ops->abandon(rig->guest, 1);
    rig->agent->ops->abandon(rig->guest, 99);
    rig_expect(rig, ask, "kept");
    rig_fill(rig, 2, ask, "thrown away"); /* by the end of the connection */
    rig_restart(rig);
    rig_expect(rig, ask, "kept");
    assert_int_equal(rig_open_write(rig, 2, ask, &fd).code, SK_OK);
    (void)close(fd);
    rig->agent->ops->abandon(rig->guest, 2);
    rig_expect(rig, ask, "kept"); /* the guest has taken what came before */
    files_remove();
    assert_int_equal(rig->lost, 0);
}

static void makes_missing_directories(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    rig_fill(rig, 1, ASK(files_path("deep/er/file")), "text");
    assert_int_equal(rig_commit(rig, 1), SK_OK);
    struct sk_file_ask relative = {.path = "er/../er/./file", .working_dir = files_path("deep"), .user = ""};
    rig_expect(rig, relative, "text");
    files_remove();
}

static void says_why_a_file_cannot_be_opened(void **state)
{
    struct rig *rig = *state;
    static char endless[8192];
    int fd = -1;
    rig_up(rig);
    memset(endless, 'a', sizeof endless - 1);
    const struct {
        struct sk_file_ask ask;
        enum sk_code code;
        const char *reason;
    } cases[] = {
        {{"/tmp", "", ""}, SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY"},
        {{"/", "", ""}, SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY"},
        {{"/root/sk-contract", "", "65534"}, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
        {{"/tmp/sk-contract", "", "nosuch"}, SK_INVALID_ARGUMENT, NULL},
        {{endless, "/", ""}, SK_INVALID_ARGUMENT, NULL},
    };
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        const struct sk_err errs[] = {rig_open_read(rig, cases[i].ask, &fd),
                                      rig_open_write(rig, 1, cases[i].ask, &fd)};
        for (size_t k = 0; k < sk_array_len(errs); k++) {
            assert_int_equal(errs[k].code, cases[i].code);
            assert_true(!cases[i].reason == !errs[k].reason);
            assert_true(!cases[i].reason || strcmp(cases[i].reason, errs[k].reason) == 0);
        }
    }
    assert_int_equal(fd, -1);
    assert_int_equal(rig->lost, 0);
}

/* At once after the call, and when the answer may be there already. */
static void cancelled_opens_leave_nothing(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    int fd = -1;
    rig_up(rig);
    struct sk_file_ask ask = ASK(files_path("file"));
    for (int i = 0; i < 20; i++) {
        fd = -1;
        rig_call_init(&call, rig, 0);
        rig->agent->ops->open_write(rig->guest, 1, &ask, &fd, &call.done);
        (void)usleep((useconds_t)(i % 5) * 500);
        sk_done_cancel(&call.done);
        assert_true(rig_until(rig, &call.fired, 1));
        assert_int_equal(call.err.code, SK_CANCELLED);
        assert_int_equal(fd, -1);
    }
    /* By the first answer every file has come and was given up, by the second the guest has heard of it. */
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_NOT_FOUND);
    assert_int_equal(rig_open_read(rig, ask, &fd).code, SK_NOT_FOUND);
    files_remove();
    assert_int_equal(rig->lost, 0);
}

/* --- terminals ----------------------------------------------------------------------- */

/* Reads the master until `wanted` was seen; false when it ends or takes too long. */
static bool terminal_says(struct rig *rig, int master, const char *wanted)
{
    char text[1024] = "";
    size_t len = 0;
    for (int waited = 0; waited < RIG_LIMIT_MS && !strstr(text, wanted);) {
        ssize_t got = read(master, text + len, sizeof text - 1 - len);
        if (got < 0 && errno != EAGAIN)
            return false;
        len += got > 0 ? (size_t)got : 0;
        text[len] = 0;
        if (got < 0) {
            rig_idle(rig, 5);
            waited += 5;
        }
    }
    return strstr(text, wanted) != NULL;
}

static void runs_on_terminals(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    int master = -1, slave = -1;
    char rest[64];
    rig_up(rig);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->open_terminal(rig->guest, &master, &slave, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    assert_int_equal(call.err.code, SK_OK);
    assert_true(fcntl(master, F_GETFL) & O_NONBLOCK);
    struct sk_process cat = RIG_PROCESS(1, "cat");
    cat.on_terminal = true;
    cat.stdin_take = slave;
    assert_int_equal(rig_start(rig, &cat), SK_OK);
    assert_int_equal(write(master, "hello\n", 6), 6);
    assert_true(terminal_says(rig, master, "hello\r\nhello\r\n")); /* the echo, and cat's */
    assert_int_equal(write(master, "\4", 1), 1);
    assert_int_equal(rig_wait_exit(rig, 1), 0);
    rig->agent->ops->release(rig->guest, 1);
    for (int waited = 0; waited < RIG_LIMIT_MS && read(master, rest, sizeof rest) < 0 && errno == EAGAIN;
         waited += 5)
        rig_idle(rig, 5);
    assert_int_equal(read(master, rest, sizeof rest), -1);
    assert_int_equal(errno, EIO); /* nobody holds the slave */
    (void)close(master);
    assert_int_equal(rig->lost, 0);
}

static void loss_answers_for_files(void **state)
{
    struct rig *rig = *state;
    struct rig_call commit;
    int fd = -1;
    rig_up(rig);
    for (uint64_t key = 1; key <= 3; key++)
        rig_fill(rig, key, ASK(files_path("file")), "text");
    rig_call_init(&commit, rig, 0);
    rig->kill(rig);
    rig->agent->ops->commit(rig->guest, 1, &commit.done);
    assert_true(rig_until(rig, &rig->lost, 1));
    assert_int_equal(commit.fired, 1);
    assert_int_equal(commit.err.code, SK_UNAVAILABLE);
    assert_int_equal(rig_open_read(rig, ASK("/tmp/none"), &fd).code, SK_UNAVAILABLE);
    assert_int_equal(rig_open_write(rig, 9, ASK("/tmp/none"), &fd).code, SK_UNAVAILABLE);
    assert_int_equal(rig_commit(rig, 2), SK_UNAVAILABLE);
    rig->agent->ops->abandon(rig->guest, 3);
    rig_idle(rig, 20);
    assert_int_equal(rig->lost, 1);
    files_sweep();
}

#define AGENT_FILES_CONTRACT                                                                                 \
    AGENT_TEST(writes_files_all_at_once), AGENT_TEST(abandons_without_a_trace),                              \
        AGENT_TEST(makes_missing_directories), AGENT_TEST(says_why_a_file_cannot_be_opened),                 \
        AGENT_TEST(cancelled_opens_leave_nothing), AGENT_TEST(runs_on_terminals),                            \
        AGENT_TEST(loss_answers_for_files)

#endif
