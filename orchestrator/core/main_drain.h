/* main_drain.h: the last of the main process's output: what is in its pipe when
 * it has ended, and what those it left behind write at once: until the end of
 * the pipe, 200 ms of silence, or 1 s more than what was in the pipe took.
 * Threads: loop only. */
#ifndef SK_CORE_MAIN_DRAIN_H
#define SK_CORE_MAIN_DRAIN_H

#include "loop/done.h"

struct sk_main_drain {
    struct sk_loop *loop;
    struct sk_done *done; /* NULL = none is under way */
    struct sk_timer silence;
    struct sk_instant until; /* unset while something is owed */
    struct sk_instant limit; /* a disk that hangs delays no end */
    int64_t owed;            /* bytes that were in the pipe and have not been moved */
};

/* pipe_fd is looked at, no more; -1 = it has ended. */
void sk_main_drain_start(struct sk_main_drain *drain, struct sk_loop *loop, int pipe_fd,
                         struct sk_done *done);
/* Bytes were moved (or thrown away). */
void sk_main_drain_moved(struct sk_main_drain *drain, size_t len);
/* Nothing more can come; harmless when none is under way. */
void sk_main_drain_finish(struct sk_main_drain *drain);

#endif
