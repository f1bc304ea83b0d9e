#include "drivers/containerd/strays.h"

#include "drivers/containerd/runtime.h"

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

enum kind { OTHER, SHIM, RUNTIME };

/* What the kernel tells of a process without asking the process's memory for it. Anybody may take such a
 * name. */
struct process {
    pid_t pid, parent; /* 0: it is gone */
    enum kind named;
};

static enum kind kind_of(const char *name, size_t len)
{
    if (strncmp(name, SHIM_NAME, strlen(SHIM_NAME)) == 0)
        return SHIM;
    return len == 4 && (strncmp(name, "crun", len) == 0 || strncmp(name, "runc", len) == 0) ? RUNTIME : OTHER;
}

static struct process process_of(pid_t pid)
{
    char text[512];
    char state;
    int parent = 0;
    size_t len = read_of(pid, "stat", text, sizeof(text));
    const char *name = len ? strchr(text, '(') : NULL;
    const char *end = len ? strrchr(text, ')') : NULL; /* the name may hold anything */
    if (!name || !end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
        return (struct process){.pid = pid};
    return (struct process){pid, parent, kind_of(name + 1, (size_t)(end - name - 1))};
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

/* Else they may be cut off. */
static bool is_ended(const char *args, size_t len)
{
    return len > 0 && args[len - 1] == '\0';
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
    if (!is_ended(args, len))
        return false;
    const char *slash = strrchr(args, '/');
    return strncmp(slash ? slash + 1 : args, "containerd-shim-", strlen("containerd-shim-")) == 0 &&
           has_option(args, args + len, "-namespace", namespace) &&
           has_option(args, args + len, "-address", socket);
}

static bool has_arg(const char *args, const char *end, const char *value)
{
    const char *arg = args;
    while (arg && strcmp(arg, value) != 0)
        arg = next_arg(arg, end);
    return arg != NULL;
}

bool sk_stray_creates(const char *args, size_t len, const char *namespace)
{
    if (!is_ended(args, len))
        return false;
    SK_AUTO_FREE char *root = sk_printf(SK_RUNTIME_STATE_FOLDER "/%s", namespace);
    return has_option(args, args + len, "--root", root) && has_arg(args, args + len, "create") &&
           has_arg(args, args + len, "--bundle");
}

static bool is_ours(const char *namespace, const char *socket, pid_t pid)
{
    char args[ARGS_MAX];
    size_t len = read_of(pid, "cmdline", args, sizeof(args));
    return sk_stray_matches(args, len, namespace, socket);
}

/* It may be in a PID namespace already, but in no sandbox. */
static bool creates(const struct sk_strays *s, pid_t pid)
{
    char text[ARGS_MAX];
    size_t len = read_of(pid, "cgroup", text, sizeof(text));
    if (len == 0 || len == sizeof(text) - 1 || !*s->cgroup_part || strstr(text, s->cgroup_part))
        return false;
    len = read_of(pid, "cmdline", text, sizeof(text));
    return sk_stray_creates(text, len, s->namespace);
}

static bool is_still(const struct sk_strays *s, const struct sk_stray *stray)
{
    return stray->is_runtime ? creates(s, stray->pid) : is_ours(s->namespace, s->socket, stray->pid);
}

/* Through a descriptor, so that no other process that has got the number since is met. */
static void end(const struct sk_strays *s, const struct sk_stray *stray, int signo)
{
    SK_AUTO_FD int fd = (int)syscall(SYS_pidfd_open, stray->pid, 0);
    if (fd < 0 || !is_still(s, stray))
        return;
    sk_log(s->log, SK_WARN, stray->is_runtime ? "containerd.stray_runtime" : "containerd.stray_shim",
           SK_INT("pid", stray->pid), SK_BOOL("kill", signo == SIGKILL));
    (void)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
}

/* --- one look --------------------------------------------------------------- */

struct picture {
    const char *namespace, *socket;
    struct process *all; /* owned */
    size_t count, cap;
    pid_t shims[SK_STRAYS_MAX]; /* ours */
    size_t shim_count;
};

static void add_process(struct picture *p, pid_t pid)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 256;
        p->all = sk_realloc(p->all, p->cap * sizeof(p->all[0]));
    }
    struct process process = process_of(pid);
    p->all[p->count++] = process;
    if (process.named == SHIM && p->shim_count < SK_STRAYS_MAX && is_in_our_pid_namespace(pid) &&
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
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].parent == pid)
            return true;
    return false;
}

/* Has neither shim nor runtime for a parent. */
static bool is_orphan(const struct picture *p, const struct process *process)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].pid == process->parent)
            return p->all[i].named == OTHER;
    return process->parent > 0;
}

static unsigned idle_before(const struct sk_strays *s, pid_t pid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->idle[i].pid == pid)
            return s->idle[i].idle;
    return 0;
}

static void add_stray(const struct sk_strays *s, struct sk_stray *strays, size_t *count, pid_t pid,
                      bool is_runtime)
{
    if (*count < SK_STRAYS_MAX)
        strays[(*count)++] = (struct sk_stray){pid, idle_before(s, pid) + 1, is_runtime};
}

static size_t find_strays(const struct sk_strays *s, const struct picture *p, struct sk_stray *out)
{
    size_t count = 0;
    for (size_t i = 0; i < p->shim_count; i++)
        if (!has_child(p, p->shims[i]))
            add_stray(s, out, &count, p->shims[i], false);
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].named == RUNTIME && is_orphan(p, &p->all[i]) && creates(s, p->all[i].pid))
            add_stray(s, out, &count, p->all[i].pid, true);
    return count;
}

static void look(struct sk_strays *s)
{
    struct picture p = {.namespace = s->namespace, .socket = s->socket};
    struct sk_stray idle[SK_STRAYS_MAX] = {0};
    size_t count = take_picture(&p) ? find_strays(s, &p, idle) : 0;
    free(p.all);
    memcpy(s->idle, idle, count * sizeof(idle[0]));
    s->count = count;
    for (size_t i = 0; i < count; i++)
        if (idle[i].idle >= ASK_AFTER)
            end(s, &idle[i], idle[i].idle == ASK_AFTER ? SIGTERM : SIGKILL);
}

bool sk_strays_exist(const char *namespace, const char *socket)
{
    struct picture p = {.namespace = namespace, .socket = socket};
    bool exist = false;
    if (take_picture(&p))
        for (size_t i = 0; i < p.shim_count; i++)
            exist |= !has_child(&p, p.shims[i]);
    free(p.all);
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
                    const char *namespace, const char *socket, const char *cgroup_parent)
{
    *s = (struct sk_strays){.loop = loop, .log = log, .namespace = namespace, .socket = sk_strdup(socket)};
    s->cgroup_part = *cgroup_parent ? sk_printf("/%s/", cgroup_parent) : sk_strdup("");
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
    free(sk_take(s->cgroup_part));
}
