#include "drivers/agent/guest/spawn.h"

#include "drivers/agent/guest/search.h"
#include "drivers/agent/guest/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)64 * 1024)

/* Shared by parent and child, which run in one memory: the child only ever
 * writes `sys` and `stage`. */
struct birth {
    const struct sk_spawner *spawner;
    const struct sk_spawn *spawn;
    const struct sk_user *user;
    const char *path; /* PATH of the environment */
    volatile int sys;
    volatile enum sk_stage stage;
};

static int null_open(void)
{
    struct stat st;
    int fd = open("/dev/null", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

bool sk_spawner_init(struct sk_spawner *spawner)
{
    spawner->null_fd = null_open();
    if (getrlimit(RLIMIT_NOFILE, &spawner->files) == 0) {
        struct rlimit own = {.rlim_cur = spawner->files.rlim_max, .rlim_max = spawner->files.rlim_max};
        (void)setrlimit(RLIMIT_NOFILE, &own);
    }
    void *stack =
        mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    spawner->stack = stack;
    spawner->stack_top = spawner->stack + STACK_SIZE;
    return true;
}

/* --- the child: shares the parent's memory, so no allocation, no change but to the birth -------- */

/* Ends the child; the parent reads why. */
static int give_up(struct birth *birth, enum sk_stage stage, int sys)
{
    birth->stage = stage;
    birth->sys = sys;
    _exit(127);
}

/* The kernel shall prefer the sandbox's processes to PID 1 when memory ends. */
static void volunteer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return;
    (void)!write(fd, "500", 3);
    (void)close(fd);
}

static int stdio_of(const struct birth *birth, int i)
{
    int fd = birth->spawn->stdio[birth->spawn->on_terminal ? 0 : i];
    return fd >= 0 ? fd : birth->spawner->null_fd;
}

/* A session leader that ends takes nothing with it that it had written: the
 * kernel hangs up a pseudo-terminal only when its master is closed. */
static bool stdio_arrange(const struct birth *birth)
{
    if (birth->spawn->on_terminal && ioctl(birth->spawn->stdio[0], TIOCSCTTY, 0) < 0)
        return false;
    for (int i = 0; i < 3; i++) {
        if (dup2(stdio_of(birth, i), i) < 0)
            return false;
    }
    /* Before the working directory is entered, so that no name leads to a descriptor of the guest's.
     * All are close-on-exec besides, should this call be unknown. */
    (void)syscall(SYS_close_range, 3u, ~0u, 0u);
    return true;
}

/* A program may open /dev/stdout or /dev/tty anew, which takes rights to the pipe or terminal behind it. */
static void stdio_give(const struct sk_spawn *spawn, const struct sk_user *user)
{
    struct stat st;
    if (spawn->on_terminal)
        (void)!fchown(0, user->uid, (gid_t)-1); /* its group is the devpts' choice */
    for (int i = 0; i < 3; i++)
        if (user->uid != 0 && fstat(i, &st) == 0 && S_ISFIFO(st.st_mode))
            (void)!fchown(i, user->uid, (gid_t)-1);
}

static bool credentials_take(const struct sk_user *user)
{
    /* Raw calls: libc's would look for threads to take along. */
    if (syscall(SYS_setgroups, user->group_count, user->groups) < 0 &&
        (errno != EPERM || user->uid != geteuid() || user->gid != getegid()))
        return false;
    return syscall(SYS_setresgid, user->gid, user->gid, user->gid) == 0 &&
           syscall(SYS_setresuid, user->uid, user->uid, user->uid) == 0;
}

/* First with the rights of root, as other runtimes do (images have working
 * directories that their user may not enter), then, where root is powerless
 * (network file systems), with the user's. */
static int directory_enter(const char *dir)
{
    return chdir(dir[0] ? dir : "/") < 0 ? errno : 0;
}

static int child_main(void *arg)
{
    struct birth *birth = arg;
    sigset_t none;
    (void)setsid();
    volunteer_for_oom();
    if (!stdio_arrange(birth))
        return give_up(birth, SK_STAGE_STDIO, errno);
    stdio_give(birth->spawn, birth->user);
    int refused = directory_enter(birth->spawn->working_dir);
    if (!credentials_take(birth->user))
        return give_up(birth, SK_STAGE_CREDENTIALS, errno);
    if (refused == EACCES)
        refused = directory_enter(birth->spawn->working_dir);
    if (refused)
        return give_up(birth, SK_STAGE_DIRECTORY, refused);
    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &birth->spawner->files, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    return give_up(birth, SK_STAGE_EXEC, sk_search_exec(birth->spawn->argv, birth->spawn->env, birth->path));
}

/* --- the parent ---------------------------------------------------------------------------------- */

static const char *env_find(char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; *env; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

static void env_add(char **env, char *entry)
{
    while (*env)
        env++;
    env[0] = entry;
    env[1] = NULL;
}

static int fail(enum sk_stage *out_stage, enum sk_stage stage, int sys)
{
    *out_stage = stage;
    return sys;
}

int sk_spawn(struct sk_spawner *spawner, const struct sk_spawn *spawn, pid_t *out_pid,
             enum sk_stage *out_stage)
{
    struct sk_user user;
    char home[5 + SK_USER_HOME_MAX] = "HOME=";
    if (!sk_user_resolve(spawn->user, "/etc/passwd", "/etc/group", &user))
        return fail(out_stage, SK_STAGE_USER, ENOENT);
    bool wants_null =
        spawn->stdio[0] < 0 || (!spawn->on_terminal && (spawn->stdio[1] < 0 || spawn->stdio[2] < 0));
    if (wants_null && spawner->null_fd < 0)
        return fail(out_stage, SK_STAGE_STDIO, ENODEV);
    if (!env_find(spawn->env, "HOME")) {
        memcpy(home + 5, user.home, sizeof user.home);
        env_add(spawn->env, home);
    }
    struct birth birth = {
        .spawner = spawner, .spawn = spawn, .user = &user, .path = env_find(spawn->env, "PATH")};
    pid_t pid = clone(child_main, spawner->stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
    if (pid < 0)
        return fail(out_stage, SK_STAGE_SPAWN, errno);
    if (birth.stage != SK_STAGE_NONE) /* its end is reaped like any stranger's */
        return fail(out_stage, birth.stage, birth.sys ? birth.sys : EINVAL);
    *out_pid = pid;
    return 0;
}
