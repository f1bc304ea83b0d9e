#include "drivers/containerd/strays.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Of this process alone: another one may be at the same tests. */
static char namespace[32];
#define SOCKET "/nowhere/containerd.sock"

static bool matches(const char *args, size_t len)
{
    return sk_stray_matches(args, len, "ours", "/c.sock");
}

static void test_only_our_shims_match(void **state)
{
    static const char ours[] =
        "/usr/bin/containerd-shim-runc-v2\0-namespace\0ours\0-id\0a\0-address\0/c.sock";
    static const char other_namespace[] = "containerd-shim-runc-v2\0-namespace\0k8s.io\0-address\0/c.sock";
    static const char other_containerd[] = "containerd-shim-runc-v2\0-namespace\0ours\0-address\0/d.sock";
    static const char other_program[] = "/bin/vi\0-namespace\0ours\0-address\0/c.sock";
    static const char cut[] = "containerd-shim-runc-v2\0-namespace\0ours\0-address";
    (void)state;
    assert_true(matches(ours, sizeof(ours)));
    assert_false(matches(other_namespace, sizeof(other_namespace)));
    assert_false(matches(other_containerd, sizeof(other_containerd)));
    assert_false(matches(other_program, sizeof(other_program)));
    assert_false(matches(cut, sizeof(cut)));
    assert_false(matches(ours, sizeof(ours) - 1)); /* not ended: it may be cut off */
    assert_false(matches("", 0));
}

static void test_only_our_creates_match(void **state)
{
    static const char ours[] = "/usr/bin/crun\0--root\0/run/containerd/runc/ours\0create\0--bundle\0/b\0a";
    static const char other[] = "crun\0--root\0/run/containerd/runc/ours2\0create\0--bundle\0/b\0a";
    static const char another[] = "crun\0--root\0/run/crun\0create\0--bundle\0/b\0a";
    static const char deletes[] = "crun\0--root\0/run/containerd/runc/ours\0delete\0--force\0a";
    (void)state;
    assert_true(sk_stray_creates(ours, sizeof(ours), "ours"));
    assert_false(sk_stray_creates(other, sizeof(other), "ours"));
    assert_false(sk_stray_creates(another, sizeof(another), "ours"));
    assert_false(sk_stray_creates(deletes, sizeof(deletes), "ours"));
    assert_false(sk_stray_creates(ours, sizeof(ours) - 1, "ours"));
    assert_false(sk_stray_creates("", 0, "ours"));
}

/* A shell that looks like a shim of ours and runs `script`, with a pipe as its input. `program` is a link to
 * the shell: its name is the process's. */
static pid_t start(const char *program, const char *script, int pipe_fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0); /* so that its children end with it */
        (void)dup2(pipe_fd, 0);
        (void)execl(program, "containerd-shim-test-v2", "-c", script, "-namespace", namespace, "-address",
                    SOCKET, (char *)NULL);
        _exit(1);
    }
    return pid;
}

#define TRIES 6000 /* of a hundredth of a second */

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid;
}

static bool ends_soon(pid_t pid)
{
    for (int i = 0; i < TRIES; i++) {
        if (has_ended(pid))
            return true;
        (void)usleep(10000);
    }
    return false;
}

static void read_of(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, size - 1, file) : 0;
    text[len] = '\0';
    if (file)
        (void)fclose(file);
}

/* They have replaced their image: /proc shows the new arguments. */
static void wait_for_exec(pid_t pid)
{
    char text[64] = "";
    for (int i = 0; i < TRIES && !strstr(text, "shim"); i++) {
        (void)usleep(10000);
        read_of(pid, "cmdline", text, sizeof(text));
    }
    assert_non_null(strstr(text, "shim"));
}

static pid_t wait_for_child(pid_t pid)
{
    char name[64], text[64] = "";
    (void)snprintf(name, sizeof(name), "task/%d/children", (int)pid);
    for (int i = 0; i < TRIES && !text[0]; i++) {
        (void)usleep(10000);
        read_of(pid, name, text, sizeof(text));
    }
    assert_true(text[0]);
    return (pid_t)atoi(text);
}

static void wait_for_name(pid_t pid, const char *name)
{
    char text[64] = "";
    for (int i = 0; i < TRIES && strncmp(text, name, strlen(name)) != 0; i++) {
        (void)usleep(10000);
        read_of(pid, "comm", text, sizeof(text));
    }
    assert_int_equal(strncmp(text, name, strlen(name)), 0);
}

static void wait_for_deafness(pid_t pid, int signo)
{
    char text[4096];
    bool is_deaf = false;
    for (int i = 0; i < TRIES && !is_deaf; i++) {
        (void)usleep(10000);
        read_of(pid, "status", text, sizeof(text));
        const char *line = strstr(text, "SigIgn:");
        is_deaf = line && strtoull(line + 7, NULL, 16) >> (signo - 1) & 1;
    }
    assert_true(is_deaf);
}

static void test_the_idle_end_the_busy_stay(void **state)
{
    struct sk_strays strays;
    struct sk_loop *loop = sk_vloop_new();
    int ends[2];
    (void)state;
    char dir[] = "/tmp/sk-strays-XXXXXX", program[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(program, sizeof(program), "%s/containerd-shim-test-v2", dir);
    assert_int_equal(symlink("/bin/sh", program), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t idle = start(program, "read x", ends[0]);
    pid_t stubborn = start(program, "trap '' TERM; read x", ends[0]);
    pid_t busy = start(program, "sleep 1000; :", ends[0]);
    pid_t unnamed = start("/bin/sh", "read x; :", ends[0]);
    wait_for_exec(idle);
    wait_for_exec(stubborn);
    wait_for_exec(busy);
    wait_for_exec(unnamed);
    wait_for_deafness(stubborn, SIGTERM);
    (void)wait_for_child(busy);

    sk_strays_open(&strays, loop, NULL, namespace, SOCKET, "");
    sk_vloop_advance(loop, SK_SEC(14));
    bool too_early = has_ended(idle) || has_ended(stubborn) || has_ended(busy);
    sk_vloop_advance(loop, SK_SEC(1));
    bool idle_ended = ends_soon(idle);
    bool asked_first = !has_ended(stubborn);
    sk_vloop_advance(loop, SK_SEC(5));
    bool stubborn_ended = ends_soon(stubborn);
    sk_vloop_advance(loop, SK_SEC(60));
    bool busy_stays = !has_ended(busy) && !has_ended(unnamed);
    sk_strays_close(&strays);
    (void)kill(-busy, SIGKILL);
    (void)kill(-unnamed, SIGKILL);
    (void)waitpid(busy, NULL, 0);
    (void)waitpid(unnamed, NULL, 0);
    (void)unlink(program);
    (void)rmdir(dir);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_false(too_early);
    assert_true(idle_ended && asked_first && stubborn_ended && busy_stays);
    assert_true(sk_vloop_is_empty(loop));
    sk_loop_free(loop);
}

/* A shell that looks like a runtime that makes a container of ours; it stops, as crun's child does. */
static pid_t start_create(const char *program, bool below_a_shim, const char *shim, int pipe_fd)
{
    static const char alone[] = "kill -STOP $$; read x";
    char root[64], below[160];
    (void)snprintf(root, sizeof(root), "/run/containerd/runc/%s", namespace);
    (void)snprintf(below, sizeof(below),
                   "\"$0\" -c 'sleep 1000; :' --root %s create --bundle /b & wait; :", root);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)dup2(pipe_fd, 0);
        if (below_a_shim)
            (void)execl(shim, "containerd-shim-test-v2", "-c", below, program, (char *)NULL);
        else
            (void)execl(program, "crun", "-c", alone, "--root", root, "create", "--bundle", "/b",
                        (char *)NULL);
        _exit(1);
    }
    return pid;
}

static void test_a_create_without_a_shim_ends(void **state)
{
    struct sk_strays strays;
    struct sk_loop *loop = sk_vloop_new();
    int ends[2], status = 0;
    (void)state;
    char dir[] = "/tmp/sk-strays-XXXXXX", program[64], shim[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(program, sizeof(program), "%s/crun", dir);
    (void)snprintf(shim, sizeof(shim), "%s/containerd-shim-test-v2", dir);
    assert_int_equal(symlink("/bin/sh", program) | symlink("/bin/sh", shim), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t lost = start_create(program, false, shim, ends[0]);
    pid_t served = start_create(program, true, shim, ends[0]);
    assert_int_equal(waitpid(lost, &status, WUNTRACED), lost);
    bool has_stopped = WIFSTOPPED(status);
    wait_for_exec(served);
    wait_for_name(wait_for_child(served), "crun");

    sk_strays_open(&strays, loop, NULL, namespace, SOCKET, "sandboxes-of-nobody");
    sk_vloop_advance(loop, SK_SEC(14));
    bool too_early = has_ended(lost);
    sk_vloop_advance(loop, SK_SEC(6)); /* asked, then killed */
    bool lost_ended = ends_soon(lost);
    sk_vloop_advance(loop, SK_SEC(60));
    bool served_stays = !has_ended(served);
    sk_strays_close(&strays);
    (void)kill(-served, SIGKILL);
    (void)waitpid(served, NULL, 0);
    (void)unlink(program);
    (void)unlink(shim);
    (void)rmdir(dir);
    (void)close(ends[0]);
    (void)close(ends[1]);
    sk_loop_free(loop);
    assert_true(has_stopped);
    assert_false(too_early);
    assert_true(lost_ended);
    assert_true(served_stays);
}

int main(void)
{
    (void)snprintf(namespace, sizeof(namespace), "strays-test-%d", (int)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_our_shims_match),
        cmocka_unit_test(test_only_our_creates_match),
        cmocka_unit_test(test_the_idle_end_the_busy_stay),
        cmocka_unit_test(test_a_create_without_a_shim_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
