/* worker.h: the one thread on which everything of this driver that blocks
 * happens, in the order it was asked for: netlink, setns, mounts. The loop's
 * thread must never change its namespace.
 *
 * Between jobs it looks at descriptors that the driver wants watched. */
#ifndef SK_NFTABLES_WORKER_H
#define SK_NFTABLES_WORKER_H

#include "loop/done.h"

#include <pthread.h>

/* One thing to do; heap, the worker's from sk_worker_add on. */
struct sk_job {
    /* On the thread. Leaves its error, if any, in job->err. */
    void (*run)(struct sk_job *job);
    void (*release)(struct sk_job *job); /* on the loop, after done has fired; frees the job */
    struct sk_done *done;                /* may be NULL */
    struct sk_err err;                   /* SK_OK = done well */
    struct sk_job *next;                 /* the worker's */
    struct sk_post post;
};

#define SK_WORKER_FDS 4

struct sk_worker {
    struct sk_loop *loop;
    pthread_t thread;
    int wake; /* an eventfd: there is a job, or the end */
    pthread_mutex_t mutex;
    struct sk_job *first, **last; /* guarded, as is closing */
    bool closing;
    struct sk_done *closed;
    struct sk_post gone;

    /* The thread's; set before the start. */
    void *arg;
    /* First of all, on the thread. */
    enum sk_code (*begin)(void *arg, struct sk_err *err);
    /* Between jobs: looks at the descriptors, without waiting. Returns in how many milliseconds it wants to
     * be called again at the latest; -1 = when there is something. */
    int (*look)(void *arg);
    /* When there has been nothing to do for a while: something for later. Returns whether there is more of
     * it. */
    bool (*prepare)(void *arg);
    bool hungry;            /* `prepare` is wanted; `look` may say so */
    void (*end)(void *arg); /* last of all, on the thread */
    int fds[SK_WORKER_FDS]; /* watched; -1 = none */
};

/* Starts the thread and waits until `begin` has returned: its error is the answer. */
SK_MUST_CHECK enum sk_code sk_worker_open(struct sk_worker *worker, struct sk_loop *loop, struct sk_err *err);
void sk_worker_add(struct sk_worker *worker, struct sk_job *job);
/* Every job is done first. `worker` may be freed when done fires. */
void sk_worker_close(struct sk_worker *worker, struct sk_done *done);

#endif
