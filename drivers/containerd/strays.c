#include "drivers/containerd/strays.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LOOK_EVERY SK_SEC(5)
#define LOOKS      12 /* a minute of them */
#define ASK_AFTER  3  /* looks: nothing that works is idle for so long */
#define ARGS_MAX   4096
#define SHIM_NAME  "containerd-shim" /* as much of it as the kernel keeps */

/* --- one process ------------------------------------------------------------ */

/* How much of /proc/PID/NAME there was; NUL-terminated. */
static size_t read_of(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, size - 1) : -1;
    out[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

/* What the kernel tells of a process without asking the process's memory for it. */
struct facts {
    pid_t parent;
    bool named_shim; /* anybody may take that name */
};

static struct facts facts_of(pid_t pid)
{
    char text[512];
    char state;
    int parent = 0;
    size_t len = read_of(pid, "stat", text, sizeof(text));
    const char *name = len ? strchr(text, '(') : NULL;
    const char *end = len ? strrchr(text, ')') : NULL; /* the name may hold anything */
    if (!name || !end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
        parent = 0;
    return (struct facts){parent, name && strncmp(name + 1, SHIM_NAME, strlen(SHIM_NAME)) == 0};
}

/* A sandbox's processes are in another. Reading arguments means reading the process's memory, and one
 * that is up to no good can make that last; so theirs are never read. */
static bool is_in_our_pid_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, its;
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
    return stat("/proc/self/ns/pid", &ours) == 0 && stat(path, &its) == 0 && ours.st_ino == its.st_ino &&
           ours.st_dev == its.st_dev;
}

static const char *next_arg(const char *arg, const char *end)
{
    arg += strlen(arg) + 1;
    return arg < end ? arg : NULL;
}

static bool has_option(const char *args, const char *end, const char *name, const char *value)
{
    for (const char *arg = args; arg; arg = next_arg(arg, end)) {
        const char *next = strcmp(arg, name) == 0 ? next_arg(arg, end) : NULL;
        if (next)
            return strcmp(next, value) == 0;
    }
    return false;
}

bool sk_stray_matches(const char *args, size_t len, const char *namespace, const char *socket)
{
    if (len == 0 || args[len - 1] != '\0')
        return false;
    const char *slash = strrchr(args, '/');
    return strncmp(slash ? slash + 1 : args, "containerd-shim-", strlen("containerd-shim-")) == 0 &&
           has_option(args, args + len, "-namespace", namespace) &&
           has_option(args, args + len, "-address", socket);
}

static bool is_ours(const char *namespace, const char *socket, pid_t pid)
{
    char args[ARGS_MAX];
    size_t len = read_of(pid, "cmdline", args, sizeof(args));
    return sk_stray_matches(args, len, namespace, socket);
}

/* Through a descriptor, so that no other process that has got the number since is met. */
static void end(const struct sk_strays *s, pid_t pid, int signo)
{
    SK_AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || !is_ours(s->namespace, s->socket, pid))
        return;
    sk_log(s->log, SK_WARN, "containerd.stray_shim", SK_INT("pid", pid), SK_BOOL("kill", signo == SIGKILL));
    (void)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
}

/* --- one look --------------------------------------------------------------- */

struct picture {
    const char *namespace, *socket;
    pid_t *parents; /* owned: of every process there is */
    size_t parent_count, parent_cap;
    pid_t shims[SK_STRAYS_MAX];
    size_t shim_count;
};

static void add_process(struct picture *p, pid_t pid)
{
    if (p->parent_count == p->parent_cap) {
        p->parent_cap = p->parent_cap ? p->parent_cap * 2 : 256;
        p->parents = sk_realloc(p->parents, p->parent_cap * sizeof(p->parents[0]));
    }
    struct facts facts = facts_of(pid);
    p->parents[p->parent_count++] = facts.parent;
    if (facts.named_shim && p->shim_count < SK_STRAYS_MAX && is_in_our_pid_namespace(pid) &&
        is_ours(p->namespace, p->socket, pid))
        p->shims[p->shim_count++] = pid;
}

static bool take_picture(struct picture *p)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    for (const struct dirent *entry; (entry = readdir(proc));) {
        char *rest;
        long pid = strtol(entry->d_name, &rest, 10);
        if (pid > 0 && *rest == '\0')
            add_process(p, (pid_t)pid);
    }
    (void)closedir(proc);
    return true;
}

static bool has_child(const struct picture *p, pid_t pid)
{
    for (size_t i = 0; i < p->parent_count; i++)
        if (p->parents[i] == pid)
            return true;
    return false;
}

static unsigned idle_before(const struct sk_strays *s, pid_t pid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->idle[i].pid == pid)
            return s->idle[i].idle;
    return 0;
}

static void look(struct sk_strays *s)
{
    struct picture p = {.namespace = s->namespace, .socket = s->socket};
    struct sk_stray idle[SK_STRAYS_MAX] = {0};
    size_t count = 0;
    bool seen = take_picture(&p);
    for (size_t i = 0; seen && i < p.shim_count; i++)
        if (!has_child(&p, p.shims[i]))
            idle[count++] = (struct sk_stray){p.shims[i], idle_before(s, p.shims[i]) + 1};
    free(p.parents);
    memcpy(s->idle, idle, count * sizeof(idle[0]));
    s->count = count;
    for (size_t i = 0; i < count; i++)
        if (idle[i].idle >= ASK_AFTER)
            end(s, idle[i].pid, idle[i].idle == ASK_AFTER ? SIGTERM : SIGKILL);
}

bool sk_strays_exist(const char *namespace, const char *socket)
{
    struct picture p = {.namespace = namespace, .socket = socket};
    bool exist = false;
    if (take_picture(&p))
        for (size_t i = 0; i < p.shim_count; i++)
            exist |= !has_child(&p, p.shims[i]);
    free(p.parents);
    return exist;
}

/* --- when to look ----------------------------------------------------------- */

static void on_timer(struct sk_timer *timer);

static void arm(struct sk_strays *s)
{
    sk_timer_start(s->loop, &s->timer, sk_instant_add(sk_loop_now(s->loop), LOOK_EVERY), on_timer);
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_strays *s = sk_container_of(timer, struct sk_strays, timer);
    look(s);
    if (--s->looks > 0)
        arm(s);
}

void sk_strays_open(struct sk_strays *s, struct sk_loop *loop, const struct sk_log *log,
                    const char *namespace, const char *socket)
{
    *s = (struct sk_strays){.loop = loop, .log = log, .namespace = namespace, .socket = sk_strdup(socket)};
    sk_strays_again(s);
}

void sk_strays_again(struct sk_strays *s)
{
    if (s->looks == 0)
        arm(s);
    s->looks = LOOKS;
}

void sk_strays_close(struct sk_strays *s)
{
    sk_timer_stop(s->loop, &s->timer);
    free(sk_take(s->socket));
}
