/* Files of the real guest: how they are read, and that nothing is left of them. */
#include "support/guest_files_rig.h"

static enum sk_code read_path(struct rig *rig, const char *user, const char *path, char *text, size_t size)
{
    int fd = -1;
    enum sk_code code = ask_read(rig, &(struct sk_file_ask){path, "", user}, &fd);
    if (code != SK_OK)
        return code;
    ssize_t got = pread(fd, text, size - 1, 0);
    assert_true(got >= 0);
    text[got] = 0;
    (void)close(fd);
    return SK_OK;
}

static enum sk_code refused(struct rig *rig, const char *user, const char *path)
{
    char text[4096];
    return read_path(rig, user, path, text, sizeof text);
}

/* The rest of a line of the guest's /proc/…/status. */
static void guest_status(struct rig *rig, const char *name, char line[static 256])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/status", rig->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    do
        line[0] = 0;
    while (fgets(line, 256, file) && strncmp(line, name, strlen(name)) != 0);
    (void)fclose(file);
}

static long guest_rss(struct rig *rig)
{
    char line[256];
    guest_status(rig, "VmRSS:", line);
    return strtol(line + 6, NULL, 10);
}

/* --- reading ------------------------------------------------------------------------------ */

static void files_are_read(void **state)
{
    struct rig *rig = *state;
    char text[4096];
    int fd = -1;
    rig_up(rig);
    make(at(rig, "plain"), "hello", 0, 0644);
    assert_int_equal(symlink("plain", at(rig, "link")), 0);
    assert_int_equal(read_path(rig, "", at(rig, "plain"), text, sizeof text), SK_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(read_path(rig, USER, at(rig, "link"), text, sizeof text), SK_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(ask_read(rig, &(struct sk_file_ask){"../plain", at(rig, "."), ""}, &fd), SK_NOT_FOUND);
    assert_int_equal(ask_read(rig, &(struct sk_file_ask){"./link", at(rig, "."), ""}, &fd), SK_OK);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    (void)close(fd);
}

static void what_is_no_file_is_refused(void **state)
{
    struct rig *rig = *state;
    rig_up(rig);
    assert_int_equal(symlink("nowhere", at(rig, "dangling")), 0);
    assert_int_equal(symlink("loop", at(rig, "loop")), 0);
    assert_int_equal(mkfifo(at(rig, "fifo"), 0666), 0);
    assert_int_equal(refused(rig, "", at(rig, "none")), SK_NOT_FOUND);
    assert_int_equal(refused(rig, "", at(rig, "dangling")), SK_NOT_FOUND);
    assert_int_equal(refused(rig, "", at(rig, "loop")), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", at(rig, ".")), SK_FAILED_PRECONDITION);
    assert_int_equal(refused(rig, "", at(rig, "fifo")), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/dev/null"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/proc/self/fd/0"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "", "/proc/self/root/etc/passwd"), SK_INVALID_ARGUMENT);
    assert_int_equal(refused(rig, "nobody-knows-this", at(rig, "fifo")), SK_INVALID_ARGUMENT);
    assert_int_equal(rig->lost, 0);
}

static void made_up_files_come_as_copies(void **state)
{
    struct rig *rig = *state;
    char text[8192];
    rig_up(rig);
    assert_int_equal(read_path(rig, USER, "/proc/self/status", text, sizeof text), SK_OK);
    assert_non_null(strstr(text, "Name:\tsandkeep-guest\n"));
    assert_non_null(strstr(text, "Uid:\t0\t0\t0\t12345\n")); /* while it was read */
    assert_int_equal(read_path(rig, "", "/proc/sys/kernel/ostype", text, sizeof text), SK_OK);
    assert_string_equal(text, "Linux\n");
    assert_int_not_equal(refused(rig, "", "/proc/kmsg"), SK_OK); /* has no end */
    assert_int_not_equal(refused(rig, "", "/proc/self/mem"), SK_OK);
    assert_int_not_equal(write_path(rig, "", "/proc/sys/kernel/ostype", "x"), SK_OK);
    assert_int_not_equal(write_path(rig, "", "/proc/self/oom_score_adj", "0"), SK_OK);
    assert_int_equal(rig->lost, 0);
}

static void rights_are_the_users_and_come_back(void **state)
{
    static const char *const lines[] = {"Uid:", "Gid:", "Groups:", "CapEff:", "CapPrm:"};
    struct rig *rig = *state;
    char before[5][256], after[256], text[64];
    rig_up(rig);
    make(at(rig, "secret"), "s", 0, 0600);
    make_dir(at(rig, "closed"), 0, 0700);
    make(at(rig, "closed/open"), "o", 0, 0644);
    for (int i = 0; i < 5; i++)
        guest_status(rig, lines[i], before[i]);
    assert_int_equal(refused(rig, USER, at(rig, "secret")), SK_PERMISSION_DENIED);
    assert_int_equal(refused(rig, USER, at(rig, "closed/open")), SK_PERMISSION_DENIED);
    assert_int_equal(refused(rig, "0:12345", at(rig, "secret")), SK_OK);
    assert_int_equal(write_path(rig, USER, at(rig, "secret"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, USER, at(rig, "closed/new"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, USER, at(rig, "a/b/new"), "x"), SK_PERMISSION_DENIED);
    for (int i = 0; i < 5; i++) {
        guest_status(rig, lines[i], after);
        assert_string_equal(after, before[i]);
    }
    assert_int_equal(read_path(rig, "", at(rig, "secret"), text, sizeof text), SK_OK);
    assert_string_equal(text, "s");
    assert_int_equal(names_in(rig->driver), 2);
}

/* --- endings ------------------------------------------------------------------------------ */

static void abandoned_writes_leave_no_trace(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    make(at(rig, "file"), "old", 0, 0644);
    assert_int_equal(write_open(rig, 7, "", at(rig, "file"), &fd), SK_OK);
    assert_int_equal(write(fd, "new", 3), 3);
    (void)close(fd);
    assert_int_equal(names_in(rig->driver), 2);
    rig->agent->ops->abandon(rig->guest, 7);
    until_names(rig, rig->driver, 1);
    expect_file(at(rig, "file"), "old");
}

static void a_lost_daemon_leaves_no_trace(void **state)
{
    struct rig *rig = *state;
    char name[16], fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    int before = names_in(fds);
    for (uint64_t key = 1; key <= 20; key++) {
        int fd = -1;
        (void)snprintf(name, sizeof name, "file-%d", (int)key);
        assert_int_equal(write_open(rig, key, "", at(rig, name), &fd), SK_OK);
        (void)close(fd);
    }
    assert_int_equal(names_in(rig->driver), 20);
    rig->agent->ops->close(rig->guest, false);
    rig->guest = NULL;
    until_names(rig, rig->driver, 0); /* before anybody listens again */
    rig_open(rig);
    assert_int_equal(rig_await(rig), SK_OK);
    until_names(rig, fds, before);
    assert_int_equal(write_path(rig, "", at(rig, "file"), "new"), SK_OK);
}

/* --- races ---------------------------------------------------------------------------------- */

static void a_moved_directory_keeps_its_file(void **state)
{
    struct rig *rig = *state;
    int fd = -1;
    rig_up(rig);
    make_dir(at(rig, "here"), 0, 0755);
    make_dir(at(rig, "elsewhere"), 0, 0755);
    assert_int_equal(write_open(rig, 1, "", at(rig, "here/file"), &fd), SK_OK);
    assert_int_equal(write(fd, "new", 3), 3);
    (void)close(fd);
    assert_int_equal(rename(at(rig, "here"), at(rig, "moved")), 0);
    assert_int_equal(symlink("elsewhere", at(rig, "here")), 0);
    assert_int_equal(commit(rig, 1), SK_OK);
    expect_file(at(rig, "moved/file"), "new");
    assert_int_equal(names_in(at(rig, "elsewhere")), 0);
    assert_int_equal(names_in(at(rig, "moved")), 1);
}

/* A process that swaps a directory with a link, and a file with a link, until it is killed. */
static int swapper(struct rig *rig)
{
    const char *dir = at(rig, "home/d"), *link = at(rig, "home/l");
    const char *file = at(rig, "home/f"), *other = at(rig, "home/o");
    int pid = fork();
    if (pid != 0)
        return pid;
    for (;;) {
        (void)renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
        (void)renameat2(AT_FDCWD, file, AT_FDCWD, other, RENAME_EXCHANGE);
    }
}

static void swapped_links_lead_nowhere_else(void **state)
{
    struct rig *rig = *state;
    const char *paths[] = {at(rig, "home/d/f"), at(rig, "home/f")};
    char text[64];
    int done = 0, refusals = 0;
    rig_up(rig);
    make_dir(at(rig, "home"), 12345, 0755);
    make_dir(at(rig, "home/d"), 12345, 0755);
    make(at(rig, "home/f"), "mine", 12345, 0644);
    make_dir(at(rig, "outside"), 0, 0755);
    make(at(rig, "outside/f"), "secret", 0, 0600);
    assert_int_equal(symlink("../outside", at(rig, "home/l")), 0);
    assert_int_equal(symlink("../outside/f", at(rig, "home/o")), 0);
    paths[0] = strdup(at(rig, "home/d/f")); /* the buffers of at() are used up below */
    paths[1] = strdup(at(rig, "home/f"));
    int pid = swapper(rig);
    /* On a busy machine nobody may have swapped for long. */
    for (int i = 0; i < 1000 || ((!done || !refusals) && i < 100000); i++) {
        text[0] = 0;
        enum sk_code code = i % 4 < 2 ? write_path(rig, USER, paths[i % 2], "mine")
                                      : read_path(rig, USER, paths[i % 2], text, sizeof text);
        done += code == SK_OK;
        refusals += code == SK_PERMISSION_DENIED;
        assert_string_not_equal(text, "secret");
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    free((void *)(uintptr_t)paths[0]);
    free((void *)(uintptr_t)paths[1]);
    print_message("%d done, %d refused\n", done, refusals);
    assert_true(done > 0);
    assert_true(refusals > 0);
    expect_file(at(rig, "outside/f"), "secret");
    assert_int_equal(names_in(at(rig, "outside")), 1);
    assert_int_equal(names_in(at(rig, "home")), 4);
    assert_int_equal(rig->lost, 0);
    assert_int_equal(rig_exec(rig, &RIG_PROCESS(9, "true")), 0);
}

static void many_leave_nothing(void **state)
{
    struct rig *rig = *state;
    char fds[64];
    rig_up(rig);
    (void)snprintf(fds, sizeof fds, "/proc/%d/fd", rig->pid);
    assert_int_equal(write_path(rig, USER, at(rig, "x"), "x"), SK_PERMISSION_DENIED);
    assert_int_equal(write_path(rig, "", at(rig, "file"), "x"), SK_OK);
    assert_int_equal(refused(rig, USER, "/proc/self/status"), SK_OK);
    int guest_before = count_entries(fds), own_before = count_entries("/proc/self/fd");
    long rss_before = guest_rss(rig);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(write_path(rig, "", at(rig, "file"), "text"), SK_OK);
        assert_int_equal(refused(rig, USER, i % 2 ? at(rig, "file") : "/proc/self/status"), SK_OK);
    }
    until_entries(rig, fds, guest_before);
    assert_int_equal(count_entries("/proc/self/fd"), own_before);
    assert_true(guest_rss(rig) <=
                rss_before + 256); /* KiB; the kernel's count is exact to some 32 pages a cpu */
    assert_int_equal(names_in(rig->driver), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(files_are_read),
        FILE_TEST(what_is_no_file_is_refused),
        FILE_TEST(made_up_files_come_as_copies),
        FILE_TEST(rights_are_the_users_and_come_back),
        FILE_TEST(abandoned_writes_leave_no_trace),
        FILE_TEST(a_lost_daemon_leaves_no_trace),
        FILE_TEST(a_moved_directory_keeps_its_file),
        FILE_TEST(swapped_links_lead_nowhere_else),
        FILE_TEST(many_leave_nothing),
    };
    if (!own_mounts())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
