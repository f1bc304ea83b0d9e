/* pump.h: pulled bytes over descriptors, so that back-pressure is the shape
 * itself.
 *
 * A reader gives one chunk for each sk_reader_want(); while nobody wants, the
 * pipe fills and the writer stops. A writer takes one chunk at a time and
 * says when there is room for the next. Both put a private, non-blocking
 * open file description to use: descriptors that came from, or went to, a
 * sandbox must be re-opened first with sk_fd_reopen_pipe (O_NONBLOCK lives in the
 * shared description, and the other side could clear it). */
#ifndef SK_LOOP_PUMP_H
#define SK_LOOP_PUMP_H

#include "loop/loop.h"

#define SK_PUMP_CHUNK                                                                                        \
    (256 * 1024) /* bytes read at most in one go; large, as each costs two threads a wake-up */

struct sk_reader {
    void (*on_data)(struct sk_reader *reader, const uint8_t *data,
                    size_t len);                                        /* data borrowed for the call */
    void (*on_end)(struct sk_reader *reader, const struct sk_err *err); /* NULL = end of file */
    struct sk_loop *loop;
    struct sk_watch *watch;
    uint8_t **chunk; /* on_data's, while it runs */
    int fd;          /* -1 when closed */
    bool wanted;
    bool ended;
};

/* fd_take is consumed on success and failure, and made non-blocking. */
SK_MUST_CHECK enum sk_code sk_reader_open(struct sk_reader *reader, struct sk_loop *loop, int fd_take,
                                          void (*on_data)(struct sk_reader *, const uint8_t *, size_t),
                                          void (*on_end)(struct sk_reader *, const struct sk_err *),
                                          struct sk_err *err);
/* Asks for one on_data or on_end; asking twice is asking once. After on_end nothing comes. */
void sk_reader_want(struct sk_reader *reader);
/* In on_data: its data, on the heap, as the caller's own. Once. */
uint8_t *sk_reader_keep(struct sk_reader *reader);
/* No callback afterwards; harmless twice or on a zeroed struct with fd -1. */
void sk_reader_close(struct sk_reader *reader);

struct sk_writer {
    void (*on_room)(struct sk_writer *writer,
                    const struct sk_err *err); /* err: the far end is gone (EPIPE) or broken */
    struct sk_loop *loop;
    struct sk_watch *watch;
    struct sk_task task;
    int fd;           /* -1 when closed */
    uint8_t *pending; /* owned copy of what did not fit */
    size_t pending_len, pending_at;
    bool busy; /* on_room is still to come */
    int sys;   /* errno of a failed write, 0 if none */
};

SK_MUST_CHECK enum sk_code sk_writer_open(struct sk_writer *writer, struct sk_loop *loop, int fd_take,
                                          void (*on_room)(struct sk_writer *, const struct sk_err *),
                                          struct sk_err *err);
/* Writes all of data, keeping a copy of the rest; on_room fires once when it
 * is all written or has failed (SK_UNAVAILABLE: the far end is gone). One
 * write at a time (asserted). The process must ignore SIGPIPE, which
 * sk_loop_new sees to. */
void sk_writer_write(struct sk_writer *writer, const uint8_t *data, size_t len);
/* No callback afterwards, what is pending is dropped; harmless twice or on a zeroed struct with fd -1. */
void sk_writer_close(struct sk_writer *writer);

/* A new, close-on-exec open file description of the same pipe, socket-free
 * (opens /proc/self/fd/N). flags: O_RDONLY or O_WRONLY; O_NONBLOCK is added.
 * Errors: SK_INVALID_ARGUMENT when `fd` is not a pipe. `fd` stays the caller's. */
SK_MUST_CHECK enum sk_code sk_fd_reopen_pipe(int fd, int flags, int *out_fd, struct sk_err *err);

#endif
