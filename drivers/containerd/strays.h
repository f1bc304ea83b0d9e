/* strays.h: ends shims, and OCI runtimes, that nobody needs any more.
 *
 * containerd 1.6 forgets a shim whose Tasks/Create lost its caller half-way
 * (github.com/containerd/containerd/issues/7496): a daemon that was killed
 * leaves such processes, which serve nothing and never end. A stray is a shim
 * of our namespace and our containerd without a single child process, seen so
 * several times in a row: it is asked to end, then killed. A shim that serves
 * anything has children, one that has just lost its last container ends by itself.
 *
 * A shim that dies takes the runtime along that makes a container for it, but not what that was making the
 * container of: crun's child stays, stopped and in no cgroup yet, where "delete" has come and gone. A process
 * that still is a runtime's "create" of our namespace, and has neither shim nor runtime for a parent, makes
 * nothing any more; it is ended likewise.
 *
 * Looks for a minute after start; each look reads /proc once. Thread: loop. */
#ifndef SK_CONTAINERD_STRAYS_H
#define SK_CONTAINERD_STRAYS_H

#include "base/log.h"
#include "loop/loop.h"

#include <sys/types.h>

#define SK_STRAYS_MAX 64 /* ended in one go; more wait for the next */

struct sk_stray {
    pid_t pid;
    unsigned idle;   /* looks in a row, without a child; or without a parent, */
    bool is_runtime; /* if it is one */
};

struct sk_strays {
    struct sk_loop *loop;
    const struct sk_log *log; /* borrowed, may be NULL */
    const char *namespace;    /* borrowed */
    char *socket;             /* of containerd, as its shims are told; owned */
    char *cgroup_part;        /* of the names of all sandboxes' cgroups; owned */
    struct sk_timer timer;
    unsigned looks; /* left */
    struct sk_stray idle[SK_STRAYS_MAX];
    size_t count;
};

/* cgroup_parent: what is below it is never looked into; "" = it is not known. */
void sk_strays_open(struct sk_strays *strays, struct sk_loop *loop, const struct sk_log *log,
                    const char *namespace, const char *socket, const char *cgroup_parent);
/* Looks for another minute: something has failed half-way. */
void sk_strays_again(struct sk_strays *strays);
void sk_strays_close(struct sk_strays *strays);

/* Whether there is a shim of ours without a child now. On any thread. */
bool sk_strays_exist(const char *namespace, const char *socket);

/* Whether an argument list (NUL after each) is that of a shim of ours. Pure. */
bool sk_stray_matches(const char *args, size_t len, const char *namespace, const char *socket);
/* … or that of an OCI runtime that makes a container of our namespace. Pure. */
bool sk_stray_creates(const char *args, size_t len, const char *namespace);

#endif
