/* voice.h: what HAProxy says: lines in a named pipe, so that it can go on
 * saying it when nobody listens (what does not fit is lost), and that the next
 * daemon can listen again. */
#ifndef SK_EDGE_VOICE_H
#define SK_EDGE_VOICE_H

#include "loop/loop.h"

#include <stdbool.h>

#define SK_VOICE_LINE 1200

struct sk_voice {
    int in, out; /* ends of the pipe; out is HAProxy's to write to */
    struct sk_watch *watch;
    char line[SK_VOICE_LINE];
    size_t len;
    bool is_long; /* the rest of a line that is too long is thrown away */
    void (*on_line)(void *arg, const char *line);
    void *arg;
};

/* Made if it is not there. Errors: by errno. */
SK_MUST_CHECK enum sk_code sk_voice_open(struct sk_voice *voice, const char *path,
                                         void (*on_line)(void *arg, const char *line), void *arg,
                                         struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_voice_watch(struct sk_voice *voice, struct sk_loop *loop, struct sk_err *err);
/* Calls on_line for what there is, and at most some thousands of lines; never waits. */
void sk_voice_read(struct sk_voice *voice);
void sk_voice_close(struct sk_voice *voice);

#endif
