#include "drivers/containerd/cgroups.h"

#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
/* How often a group is looked at until its last process has gone, 10 ms apart. */
#define TRIES 20
#define DEPTH 8

/* --- hierarchies ------------------------------------------------------------ */

struct walk {
    const char *parent;
    void (*fn)(void *arg, const char *path); /* the parent's folder in one hierarchy */
    void *arg;
};

static void visit(const struct walk *w, const char *root)
{
    SK_AUTO_FREE char *path = sk_printf("%s%s%s", root, *w->parent ? "/" : "", w->parent);
    w->fn(w->arg, path);
}

static void visit_hierarchy(void *arg, const char *name)
{
    SK_AUTO_FREE char *root = sk_printf(ROOT "/%s", name);
    visit(arg, root);
}

static void each_hierarchy(struct walk w)
{
    if (access(ROOT "/cgroup.controllers", F_OK) == 0)
        visit(&w, ROOT);
    else
        sk_tree_each_folder(ROOT, visit_hierarchy, &w);
}

/* --- listing ------------------------------------------------------------------ */

static void add(void *arg, const char *name)
{
    sk_litter_add(arg, "cgroup", name, false);
}

static void list_parent(void *arg, const char *path)
{
    sk_tree_each_folder(path, add, arg);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sk_litter *)a)->name, ((const struct sk_litter *)b)->name);
}

void sk_cgroups_list(const char *parent, struct sk_litter_list *list)
{
    struct sk_litter_list all = {0};

    each_hierarchy((struct walk){parent, list_parent, &all});
    if (all.len)
        qsort(all.items, all.len, sizeof(all.items[0]), by_name);
    for (size_t i = 0; i < all.len; i++)
        if (i == 0 || by_name(&all.items[i], &all.items[i - 1]) != 0)
            add(list, all.items[i].name);
    free(all.items);
}

/* --- removing ------------------------------------------------------------------- */

struct removal {
    const char *name;
    int sys;
};

static bool is_member(pid_t pid, const char *tail)
{
    SK_AUTO_FREE char *path = sk_printf("/proc/%d/cgroup", (int)pid);
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[8192];
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

    text[len > 0 ? len : 0] = '\0';
    return strstr(text, tail);
}

/* Through a descriptor, so that no other process that has got the number since is met. */
static void end_member(pid_t pid, const char *name)
{
    SK_AUTO_FREE char *tail = sk_printf("/%s", name);
    SK_AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd >= 0 && is_member(pid, tail))
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

static void end_members(const char *path, const char *name)
{
    SK_AUTO_FREE char *procs = sk_printf("%s/cgroup.procs", path);
    SK_AUTO_FILE FILE *file = fopen(procs, "re");
    int pid;

    while (file && fscanf(file, "%d", &pid) == 1)
        if (pid > 1)
            end_member(pid, name);
}

static int remove_group(const char *path, const char *name, int depth);

struct below {
    const char *path, *name;
    int depth;
};

static void remove_below(void *arg, const char *child)
{
    const struct below *b = arg;
    SK_AUTO_FREE char *path = sk_printf("%s/%s", b->path, child);

    if (b->depth < DEPTH)
        (void)remove_group(path, b->name, b->depth + 1);
}

/* Returns an errno. */
static int remove_group(const char *path, const char *name, int depth)
{
    struct below below = {path, name, depth};

    for (int i = 0;; i++) {
        if (!rmdir(path) || errno == ENOENT)
            return 0;
        if (errno != EBUSY || i == TRIES)
            return errno;
        end_members(path, name);
        sk_tree_each_folder(path, remove_below, &below);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void remove_here(void *arg, const char *parent)
{
    struct removal *r = arg;
    SK_AUTO_FREE char *path = sk_printf("%s/%s", parent, r->name);
    int sys = remove_group(path, r->name, 0);

    if (sys)
        r->sys = sys;
}

enum sk_code sk_cgroups_remove(const char *parent, const char *name, struct sk_err *err)
{
    struct removal r = {.name = name};

    each_hierarchy((struct walk){parent, remove_here, &r});
    return r.sys ? sk_fail_sys(err, SK_UNAVAILABLE, r.sys, "remove the cgroup %s", name) : SK_OK;
}
