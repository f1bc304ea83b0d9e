#include "drivers/edge/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LIBRARY 3 /* the descriptor that it has there */

static int prepare(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, const char *dir,
                   int output, int library)
{
    sigset_t defaults, mask;
    (void)sigfillset(&defaults);
    (void)sigemptyset(&mask);
    (void)posix_spawnattr_setsigdefault(attributes, &defaults);
    (void)posix_spawnattr_setsigmask(attributes, &mask);
    (void)posix_spawnattr_setflags(attributes,
                                   POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int sys = posix_spawn_file_actions_addchdir_np(actions, dir);
    if (sys == 0)
        sys = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (sys == 0)
        sys = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (sys == 0)
        sys = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    if (sys == 0 && library >= 0)
        sys = posix_spawn_file_actions_adddup2(actions, library, LIBRARY);
    return sys;
}

/* Ours, with the library in front of others. The list is the caller's; its last string, too. */
static char **make_environment(void)
{
    const char *others = getenv("LD_PRELOAD");
    size_t count = 0, at = 0;
    while (environ[count])
        count++;
    char **list = sk_alloc((count + 2) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
            list[at++] = environ[i];
    }
    list[at] = sk_printf("LD_PRELOAD=/proc/self/fd/%d%s%s", LIBRARY, others ? ":" : "", others ? others : "");
    return list;
}

static void free_environment(char **list)
{
    size_t last = 0;
    while (list[last + 1])
        last++;
    free(list[last]);
    free(list);
}

static int run(pid_t *out_pid, char *const argv[], const posix_spawn_file_actions_t *actions,
               const posix_spawnattr_t *attributes, bool has_library)
{
    if (!has_library)
        return posix_spawn(out_pid, argv[0], actions, attributes, argv, environ);
    char **environment = make_environment();
    int sys = posix_spawn(out_pid, argv[0], actions, attributes, argv, environment);
    free_environment(environment);
    return sys;
}

static int spawn(char *const argv[], const char *dir, int output, int library, pid_t *out_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int sys = posix_spawnattr_init(&attributes);
    if (sys != 0)
        return sys;
    sys = posix_spawn_file_actions_init(&actions);
    if (sys == 0) {
        sys = prepare(&attributes, &actions, dir, output, library);
        if (sys == 0)
            sys = run(out_pid, argv, &actions, &attributes, library >= 0);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return sys;
}

enum sk_code sk_program_start(struct sk_program *program, char *const argv[], const char *dir, int output,
                              int library, struct sk_err *err)
{
    pid_t pid = 0;
    int sys = spawn(argv, dir, output, library, &pid);
    if (sys != 0)
        return sk_fail_sys(err, sk_code_from_errno(sys), sys, "start %s", argv[0]);
    return sk_program_adopt(program, pid, err);
}

enum sk_code sk_program_adopt(struct sk_program *program, int pid, struct sk_err *err)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return sk_fail_sys(err, SK_NOT_FOUND, errno, "process %d", pid);
    *program = (struct sk_program){.pid = pid, .pidfd = fd};
    return SK_OK;
}

/* It may be a child of an earlier daemon, and then is not ours to wait for. */
static void on_end(void *arg, unsigned events)
{
    struct sk_program *program = arg;
    void (*tell)(struct sk_program *) = program->on_end;
    (void)events;
    (void)waitpid(program->pid, NULL, WNOHANG);
    sk_program_forget(program);
    tell(program);
}

enum sk_code sk_program_watch(struct sk_program *program, struct sk_loop *loop,
                              void (*fn)(struct sk_program *program), struct sk_err *err)
{
    program->on_end = fn;
    enum sk_code code = sk_watch_open(loop, program->pidfd, on_end, program, &program->watch, err);
    if (code == SK_OK)
        sk_watch_set(program->watch, SK_READABLE);
    return code;
}

bool sk_program_has_ended(const struct sk_program *program, int limit_ms)
{
    struct pollfd ended = {.fd = program->pidfd, .events = POLLIN};
    if (program->pid > 0 && poll(&ended, 1, limit_ms) != 1)
        return false;
    if (program->pid > 0)
        (void)waitpid(program->pid, NULL, WNOHANG);
    return true;
}

void sk_program_signal(const struct sk_program *program, int signo)
{
    if (program->pid > 0)
        (void)syscall(SYS_pidfd_send_signal, program->pidfd, signo, NULL, 0);
}

void sk_program_forget(struct sk_program *program)
{
    sk_watch_close(program->watch);
    if (program->pid > 0)
        sk_close_fd(&program->pidfd);
    *program = (struct sk_program){.pidfd = -1};
}
