/* log_rig.h: readings of a log; what they give is collected and checked. */
#ifndef SK_TEST_LOG_RIG_H
#define SK_TEST_LOG_RIG_H

#include "base/utf8.h"
#include "core/log_stream.h"
#include "support/world.h"

#include <stdio.h>

struct reader {
    struct sk_log_stream *log;
    struct sk_buf text;
    char session[64];
    uint64_t offset;
    int chunks, ends, breaks, errors;
    int cut; /* chunks that end inside a character */
    char code[32];
    struct sk_err error;
    bool lazy; /* wants only when told */
};

static inline void reader_on_chunk(void *arg, const struct sk_log_chunk *chunk)
{
    struct reader *r = arg;

    r->chunks++;
    r->cut += sk_utf8_unfinished((const char *)chunk->data, chunk->len) > 0;
    if (chunk->len == 0 || chunk->len > 64 * 1024 || chunk->next_offset != r->offset + chunk->len ||
        (r->session[0] && strcmp(r->session, chunk->session) != 0) ||
        sk_buf_append(&r->text, chunk->data, chunk->len) != SK_OK)
        r->errors = 1000;
    r->offset = chunk->next_offset;
    (void)snprintf(r->session, sizeof(r->session), "%s", chunk->session);
    if (!r->lazy)
        sk_log_want(r->log);
}

static inline void reader_on_end(void *arg)
{
    ((struct reader *)arg)->ends++;
}

static inline void reader_on_broken(void *arg, const char *code, const char *text)
{
    struct reader *r = arg;

    (void)text;
    r->breaks++;
    (void)snprintf(r->code, sizeof(r->code), "%s", code);
}

static inline void reader_on_error(void *arg, const struct sk_err *err)
{
    struct reader *r = arg;

    r->errors++;
    r->error = *err;
}

static const struct sk_log_events reader_events = {reader_on_chunk, reader_on_end, reader_on_broken,
                                                   reader_on_error};

static inline void reader_open(struct reader *r, struct sk_sandbox *s, struct sk_log_ask ask)
{
    *r = (struct reader){.offset = ask.offset};
    sk_buf_init(&r->text, 64 << 20);
    r->log = sk_log_open(s, &ask, &reader_events, r);
    sk_log_want(r->log);
}

static inline void reader_close(struct reader *r)
{
    sk_log_close(sk_take(r->log));
    sk_buf_fini(&r->text);
}

static inline const char *reader_text(struct reader *r)
{
    assert_int_equal(sk_buf_append(&r->text, "", 1), SK_OK);
    r->text.len--;
    return (const char *)r->text.data;
}

/* A finite reading, to its end. */
static inline void reader_read_all(struct world *w, struct sk_sandbox *s, struct sk_log_ask ask,
                                   struct reader *r)
{
    reader_open(r, s, ask);
    world_advance(w, SK_SEC(4));
    assert_int_equal(r->ends, 1);
    assert_int_equal(r->breaks + r->errors, 0);
}

static inline void assert_reads(struct world *w, struct sk_sandbox *s, struct sk_log_ask ask,
                                const char *expected)
{
    struct reader r;

    reader_read_all(w, s, ask, &r);
    assert_string_equal(reader_text(&r), expected);
    reader_close(&r);
}

#endif
