/* pipe.h: a command in a sandbox, fed or read step by step: each call runs the
 * loop until it is done. For copies, whose other end is a local file. */
#ifndef SK_CLI_PIPE_H
#define SK_CLI_PIPE_H

#include "cli/remote.h"

enum sk_pipe_use {
    SK_PIPE_WRITE, /* its input is ours; its output is dropped */
    SK_PIPE_READ   /* its output is ours; it has no input */
};

struct sk_pipe {
    struct sk_remote remote;
    enum sk_pipe_use use;
    bool room;
    struct sk_buf piece; /* of its output */
    bool full;           /* `piece` is to be read */
    char said[160];      /* how its stderr begins */
    size_t said_len;
};

/* What is run in the sandbox; NULL-terminated. A signal that came before does not end it: it may be there to
 * tidy up. */
void sk_pipe_open(struct sk_pipe *pipe, struct sk_client *client, const char *sandbox_id,
                  const char *const *words, enum sk_pipe_use use);
/* Fails when the command ended without reading it all; sk_pipe_finish says why. */
SK_MUST_CHECK bool sk_pipe_write(struct sk_pipe *pipe, const uint8_t *data, size_t len);
/* The next piece, valid until the next call; false at the end, whatever that is. */
bool sk_pipe_read(struct sk_pipe *pipe, const uint8_t **out_data, size_t *out_len);
/* Gives the end of input, waits for the end. SK_OK when it ended with 0. An exit
 * code that is not 0 is SK_ABORTED, told by what it wrote on stderr. */
SK_MUST_CHECK enum sk_code sk_pipe_finish(struct sk_pipe *pipe, struct sk_fault *fault);
/* Ends it if it still runs. Harmless twice or on a zeroed struct. */
void sk_pipe_close(struct sk_pipe *pipe);

#endif
