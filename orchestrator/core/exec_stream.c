#include "core/exec_stream.h"

#include "base/utf8.h"

#include <string.h>
#include <sys/ioctl.h>

/* How long what may be the first bytes of a character waits for the rest. After text it is that, and whoever
 * writes it may have to wait for a processor in the middle of it. */
#define HOLD_FOR       SK_MSEC(10)
#define HOLD_TEXT_FOR  SK_MSEC(500)
#define TEXT_LOOKED_AT 64 /* bytes; random ones are hardly ever UTF-8 for so long */

static bool is_ended(const struct sk_exec_stream *stream)
{
    return stream->reader.fd < 0 || stream->reader.ended;
}

static void hold(struct sk_exec_stream *stream, const uint8_t *data, size_t len)
{
    stream->held = sk_realloc(stream->held, stream->held_len + len);
    memcpy(stream->held + stream->held_len, data, len);
    stream->held_len += len;
    stream->total += len;
}

/* What has just been read, without a copy. */
static void keep(struct sk_exec_stream *stream, size_t len)
{
    free(stream->held);
    stream->held = sk_reader_keep(&stream->reader);
    stream->held_len = len;
    stream->total += len;
}

/* An end or an error is met again by the reader. */
static void gather(struct sk_exec_stream *stream)
{
    uint8_t piece[4096]; /* a terminal never gives more at a time */
    ssize_t got;

    while (stream->held_len + sizeof(piece) <= (size_t)SK_PUMP_CHUNK &&
           (got = read(stream->reader.fd, piece, sizeof(piece))) > 0)
        hold(stream, piece, (size_t)got);
}

static void on_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct sk_exec_stream *stream = sk_container_of(reader, struct sk_exec_stream, reader);

    sk_timer_stop(reader->loop, &stream->hold);
    stream->flush = false;
    if (stream->held_len > 0)
        hold(stream, data, len);
    else
        keep(stream, len);
    if (stream->gathers)
        gather(stream);
    stream->on_change(stream, true);
}

static void on_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct sk_exec_stream *stream = sk_container_of(reader, struct sk_exec_stream, reader);

    (void)err; /* a broken pipe has nothing more to give either */
    sk_timer_stop(reader->loop, &stream->hold);
    stream->on_change(stream, false);
}

static void on_hold(struct sk_timer *timer)
{
    struct sk_exec_stream *stream = sk_container_of(timer, struct sk_exec_stream, hold);

    stream->flush = true;
    stream->on_change(stream, false);
}

void sk_exec_stream_open(struct sk_exec_stream *stream, struct sk_loop *loop, int fd_take,
                         void (*on_change)(struct sk_exec_stream *stream, bool got_data))
{
    *stream = (struct sk_exec_stream){.on_change = on_change};
    stream->reader.fd = -1;
    stream->reader.loop = loop;
    if (fd_take >= 0 && sk_reader_open(&stream->reader, loop, fd_take, on_data, on_end, NULL) != SK_OK)
        stream->reader.fd = -1;
}

size_t sk_exec_stream_ready(const struct sk_exec_stream *stream)
{
    size_t most = (size_t)SK_PUMP_CHUNK;
    size_t len = stream->held_len < most ? stream->held_len : most;
    bool whole = len == stream->held_len;

    if (whole && (stream->flush || is_ended(stream)))
        return len;
    return len - sk_utf8_unfinished((const char *)stream->held, len);
}

static bool ends_like_text(const uint8_t *data, size_t len)
{
    size_t from = len > TEXT_LOOKED_AT ? len - TEXT_LOOKED_AT : 0;

    while (from > 0 && from < len && (data[from] & 0xc0) == 0x80)
        from++; /* a later byte of a character */
    return len > from && sk_utf8_is_valid((const char *)data + from, len - from);
}

uint8_t *sk_exec_stream_take(struct sk_exec_stream *stream, size_t len)
{
    uint8_t *taken = sk_take(stream->held);

    stream->held_len -= len;
    stream->flush = stream->flush && stream->held_len > 0;
    stream->is_text = ends_like_text(taken, len);
    if (stream->held_len > 0)
        stream->held = sk_memdup(taken + len, stream->held_len);
    return taken;
}

void sk_exec_stream_want(struct sk_exec_stream *stream)
{
    struct sk_loop *loop = stream->reader.loop;
    struct sk_duration most = stream->is_text ? HOLD_TEXT_FOR : HOLD_FOR;

    if (sk_exec_stream_ready(stream) > 0 || is_ended(stream))
        return;
    sk_reader_want(&stream->reader);
    if (stream->held_len > 0 && !stream->hold.slot)
        sk_timer_start(loop, &stream->hold, sk_instant_add(sk_loop_now(loop), most), on_hold);
}

/* Bytes that could be read now. */
static uint64_t there(const struct sk_exec_stream *stream)
{
    int bytes = 0;

    return !is_ended(stream) && ioctl(stream->reader.fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes
                                                                                             : 0;
}

void sk_exec_stream_settle(struct sk_exec_stream *stream)
{
    stream->due = stream->total + there(stream);
}

/* What whoever shares the terminal has flushed away will not come. */
bool sk_exec_stream_owes(const struct sk_exec_stream *stream)
{
    return stream->total < stream->due && there(stream) > 0;
}

bool sk_exec_stream_is_over(const struct sk_exec_stream *stream)
{
    return is_ended(stream) && stream->held_len == 0;
}

void sk_exec_stream_end(struct sk_exec_stream *stream)
{
    sk_timer_stop(stream->reader.loop, &stream->hold);
    sk_reader_close(&stream->reader);
}

void sk_exec_stream_put(struct sk_exec_stream *stream, const char *text)
{
    hold(stream, (const uint8_t *)text, strlen(text));
}

void sk_exec_stream_close(struct sk_exec_stream *stream)
{
    sk_exec_stream_end(stream);
    free(sk_take(stream->held));
    stream->held_len = 0;
}
