/* input.h: standard input, pulled chunk by chunk, whatever it is. Pipes and
 * terminals are read through a description of our own, so that the shell's is
 * never made non-blocking; files are simply read. */
#ifndef SK_CLI_INPUT_H
#define SK_CLI_INPUT_H

#include "loop/pump.h"

struct sk_input {
    void (*on_data)(struct sk_input *input, const uint8_t *data, size_t len);
    void (*on_end)(struct sk_input *input); /* end of file, or it cannot be read any more */
    struct sk_loop *loop;
    struct sk_reader reader; /* fd -1: a file */
    struct sk_task task;     /* a file's next chunk */
    int flags;               /* of a socket, to be put back; -1 = not changed */
};

/* Whether standard input is a terminal. */
bool sk_input_is_terminal(void);
SK_MUST_CHECK enum sk_code sk_input_open(struct sk_input *input, struct sk_loop *loop,
                                         void (*on_data)(struct sk_input *, const uint8_t *, size_t),
                                         void (*on_end)(struct sk_input *), struct sk_err *err);
/* One on_data or on_end follows. */
void sk_input_want(struct sk_input *input);
/* No callback afterwards; harmless twice or on a zeroed struct. */
void sk_input_close(struct sk_input *input);

#endif
