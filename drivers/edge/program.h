/* program.h: a program that runs beside the daemon and may outlive it: one
 * started here, or one that an earlier daemon had started. */
#ifndef SK_EDGE_PROGRAM_H
#define SK_EDGE_PROGRAM_H

#include "loop/loop.h"

struct sk_program {
    int pid;   /* 0 = none */
    int pidfd; /* -1 = none */
    struct sk_watch *watch;
    void (*on_end)(struct sk_program *program); /* it has ended; only while watched */
};

/* In a session of its own, in the folder `dir`; says what it says to `output`. library: a file that is loaded
 * into it before all others; -1 = none. Errors: by errno. */
SK_MUST_CHECK enum sk_code sk_program_start(struct sk_program *program, char *const argv[], const char *dir,
                                            int output, int library, struct sk_err *err);
/* One that runs already. Errors: SK_NOT_FOUND. */
SK_MUST_CHECK enum sk_code sk_program_adopt(struct sk_program *program, int pid, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_program_watch(struct sk_program *program, struct sk_loop *loop,
                                            void (*on_end)(struct sk_program *program), struct sk_err *err);
/* Waits for its end; blocks for start-up. Returns whether it came. */
bool sk_program_has_ended(const struct sk_program *program, int limit_ms);
void sk_program_signal(const struct sk_program *program, int signo);
/* Knows it no longer; it goes on. Harmless when there is none. */
void sk_program_forget(struct sk_program *program);

#endif
