/* stdio.h: the pipes of one process to be started: the child's ends, ours,
 * and the read ends the guest keeps so that a restart of the daemon loses
 * nothing. */
#ifndef SK_CORE_STDIO_H
#define SK_CORE_STDIO_H

#include "drivers/agent.h"

struct sk_stdio {
    int child_in, child_out, child_err; /* -1 = /dev/null */
    int keep_out, keep_err;
    int in, out, err; /* ours */
};

/* Nothing is open. */
#define SK_STDIO_CLOSED ((struct sk_stdio){-1, -1, -1, -1, -1, -1, -1, -1})

/* Errors: SK_RESOURCE_EXHAUSTED (descriptors). Nothing is open then. */
SK_MUST_CHECK enum sk_code sk_stdio_open(struct sk_stdio *io, bool has_stdin, struct sk_err *err);
/* Without stdin, and with stdout and stderr on one pipe, so that what is
 * written arrives in the order of the writes: `out` and `keep_out` are its read ends, `err` and `keep_err`
 * stay -1. Errors as above. */
SK_MUST_CHECK enum sk_code sk_stdio_open_merged(struct sk_stdio *io, struct sk_err *err);
/* Closes what is still there; harmless twice. */
void sk_stdio_close(struct sk_stdio *io);
/* Moves the child's and the kept ends into the request. */
void sk_stdio_give(struct sk_stdio *io, struct sk_process *process);

#endif
