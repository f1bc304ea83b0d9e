/* log_stream.h: one reading of a sandbox's log, pulled chunk by chunk.
 *
 * A finite reading gives what there is; soon after the start of the process it
 * waits for what that prints first. A following one goes on until the process
 * has ended. A session (log_session.h) says where a following reading goes on
 * after its stream was lost: nothing is lost, nothing comes twice; with
 * timestamps the text is written out again from the session's start, which is
 * bounded by what is kept and by SK_LOG_RESUME_MAX.
 *
 * Threads: loop only; callbacks never run inside a call. */
#ifndef SK_CORE_LOG_STREAM_H
#define SK_CORE_LOG_STREAM_H

#include "core/sandbox.h"

#define SK_LOG_RESUME_MAX ((uint64_t)256 * 1024 * 1024)

struct sk_log_stream;

struct sk_log_chunk {
    const uint8_t *data; /* borrowed for the call */
    size_t len;          /* never 0; at most 64 KiB */
    struct sk_wall at;   /* of its first line; 0 = not known */
    const char *session;
    uint64_t next_offset; /* bytes of the session so far, these included */
};

struct sk_log_events {
    void (*on_chunk)(void *arg, const struct sk_log_chunk *chunk);
    /* The last callback is one of these. The process has ended, or all that there was has been given. */
    void (*on_end)(void *arg);
    /* This session cannot go on: SESSION_NOT_FOUND, REPLAY_GAP, INVALID_RESUME_OFFSET (static), and a
     * sentence. */
    void (*on_broken)(void *arg, const char *code, const char *text);
    /* SK_FAILED_PRECONDITION + SANDBOX_NOT_RUNNING (it is not to be followed any more), SK_UNAVAILABLE (the
     * daemon stops), those of the disk. */
    void (*on_error)(void *arg, const struct sk_err *err);
};

struct sk_log_ask {
    bool follow;
    bool timestamps;
    uint64_t tail_lines;  /* 0 = all */
    struct sk_wall since; /* 0 = all */
    const char *session;  /* NULL = a new one; else follow, and nothing of the rest */
    uint64_t offset;      /* of the session */
};

/* Takes a reference to the sandbox. The stream is the caller's until sk_log_close. `ask` is copied. */
struct sk_log_stream *sk_log_open(struct sk_sandbox *sandbox, const struct sk_log_ask *ask,
                                  const struct sk_log_events *events, void *arg);
/* Asks for one more on_chunk, or the end. */
void sk_log_want(struct sk_log_stream *stream);
/* No callback afterwards. NULL is fine. */
void sk_log_close(struct sk_log_stream *stream);

#endif
