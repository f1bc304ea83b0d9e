/* exec_stream.h: one output stream of a process: pulled, chunk by chunk, with
 * incomplete UTF-8 at the end of a chunk held back for the next one (for a
 * few milliseconds, after text for half a second: nothing is withheld). */
#ifndef SK_CORE_EXEC_STREAM_H
#define SK_CORE_EXEC_STREAM_H

#include "loop/pump.h"

struct sk_exec_stream {
    struct sk_reader reader;
    uint8_t *held; /* read, not delivered yet; owned */
    size_t held_len;
    uint64_t total; /* bytes read so far */
    uint64_t due;   /* of these and those to come: they were there when the process had ended */
    bool gathers;   /* a terminal, which gives little at a time: all that is there makes one chunk */
    bool flush;     /* what is held goes out even if it ends inside a character */
    bool is_text;   /* what was taken last ended like text */
    struct sk_timer hold;
    /* Something has changed: held bytes, or the end. */
    void (*on_change)(struct sk_exec_stream *stream, bool got_data);
};

/* fd_take is consumed; -1 = ended at once. */
void sk_exec_stream_open(struct sk_exec_stream *stream, struct sk_loop *loop, int fd_take,
                         void (*on_change)(struct sk_exec_stream *stream, bool got_data));
/* How much can be delivered now, at most SK_PUMP_CHUNK; 0 = nothing yet. */
size_t sk_exec_stream_ready(const struct sk_exec_stream *stream);
/* Takes the first `len` bytes out, on the heap. */
uint8_t *sk_exec_stream_take(struct sk_exec_stream *stream, size_t len);
/* Reads more, if nothing is ready. */
void sk_exec_stream_want(struct sk_exec_stream *stream);
/* The process has ended: what is there now may be its own, and is not to be lost. */
void sk_exec_stream_settle(struct sk_exec_stream *stream);
/* Of that something has not been read yet, which only waits for its turn. */
bool sk_exec_stream_owes(const struct sk_exec_stream *stream);
/* Nothing held, nothing to come. */
bool sk_exec_stream_is_over(const struct sk_exec_stream *stream);
/* No more is read; what is held stays. */
void sk_exec_stream_end(struct sk_exec_stream *stream);
/* Puts a line of our own in (the stream must be ended). */
void sk_exec_stream_put(struct sk_exec_stream *stream, const char *text);
/* No callback afterwards. */
void sk_exec_stream_close(struct sk_exec_stream *stream);

#endif
