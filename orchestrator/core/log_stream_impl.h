/* log_stream_impl.h: the inside of struct sk_log_stream: log_stream.c is its
 * life, log_seek.c where it begins, log_give.c what it gives. */
#ifndef SK_CORE_LOG_STREAM_IMPL_H
#define SK_CORE_LOG_STREAM_IMPL_H

#include "core/log_session.h"
#include "core/log_stream.h"
#include "core/log_text.h"
#include "core/sandbox_impl.h"

enum sk_log_phase {
    SK_LOG_WAITING,  /* for the sandbox to run */
    SK_LOG_OPENING,  /* the journal */
    SK_LOG_SETTLING, /* until what the process prints first has come */
    SK_LOG_SEEKING,  /* where to begin */
    SK_LOG_READING,
    SK_LOG_OVER, /* the last word was said */
};

struct sk_log_stream {
    struct sk_sandbox *sandbox; /* a reference */
    const struct sk_log_events *events;
    void *arg;
    enum sk_log_phase phase;
    bool closed; /* the owner has let go */
    bool wanted;
    bool busy;     /* the disk has yet to answer */
    bool has_file; /* the journal is open for it */
    bool follow, resumes;
    uint64_t tail_lines;
    struct sk_wall since; /* 0 = all, or found */
    uint64_t floor;       /* nothing before this byte */

    struct sk_log_session session;
    char session_text[SK_LOG_SESSION_LEN + 1];
    uint64_t sent;  /* bytes of the session */
    uint64_t limit; /* where a finite reading ends */
    struct sk_log_text text;
    char line[SK_LOG_MARKER_MAX]; /* ours, to be given before what comes next */
    size_t line_at, line_len;
    uint64_t lost; /* bytes that the line tells of, behind the session's start */

    struct sk_log_piece *piece; /* a reference; what is being given */
    uint8_t carry[3];           /* the beginning of a character whose rest is in the next piece */
    size_t carry_len;
    struct sk_log_read read;
    struct sk_done done;
    uint64_t found;
    struct sk_watcher watcher;
    struct sk_log_ear ear;
    struct sk_timer settle;
    struct sk_task turn;
};

/* The disk is asked, and answers: true if the stream is still somebody's. */
void sk_log_ask_disk(struct sk_log_stream *stream,
                     void (*fn)(struct sk_done *done, const struct sk_err *err));
bool sk_log_disk_answered(struct sk_log_stream *stream);
/* Looks at everything again, in the next turn. */
void sk_log_turn_soon(struct sk_log_stream *stream);
/* The last words; nothing may be touched afterwards. */
void sk_log_finish(struct sk_log_stream *stream);
void sk_log_fail(struct sk_log_stream *stream, const struct sk_err *err);
void sk_log_break(struct sk_log_stream *stream, const char *code, const char *text);
/* READING: gives what is wanted and there, or the end, or reads on. */
void sk_log_go_on(struct sk_log_stream *stream);
/* Finds where to begin, step by step; afterwards the phase is READING. */
void sk_log_seek(struct sk_log_stream *stream);
/* A new session from `start` on. */
void sk_log_begin(struct sk_log_stream *stream, uint64_t start);

#endif
