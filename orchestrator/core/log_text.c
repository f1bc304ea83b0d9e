#include "core/log_text.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct rendering {
    struct sk_log_text *text;
    const struct sk_log_source *source;
    struct sk_log_frame *frame;
    size_t mark; /* the one that text->next belongs to */
};

static struct sk_wall time_of_next(struct rendering *r)
{
    const struct sk_journal_mark *marks = r->source->marks;

    while (r->mark + 1 < r->source->mark_count && marks[r->mark + 1].offset <= r->text->next)
        r->mark++;
    return r->source->mark_count ? marks[r->mark].at : (struct sk_wall){0};
}

static void print_time(struct sk_wall at, char out[SK_LOG_PREFIX_LEN + 1])
{
    int64_t ns = at.ns > 0 ? at.ns : 0;
    time_t seconds = (time_t)(ns / 1000000000);
    char date[24] = "";
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, SK_LOG_PREFIX_LEN + 1, "%.19s.%03dZ ", date, (int)(ns / 1000000 % 1000));
}

static void put(struct rendering *r, const void *data, size_t len)
{
    size_t skipped = r->text->skip < len ? (size_t)r->text->skip : len;

    r->text->skip -= skipped;
    memcpy(r->frame->data + r->frame->len, (const uint8_t *)data + skipped, len - skipped);
    r->frame->len += len - skipped;
}

static void put_line(struct rendering *r, const uint8_t *data, size_t len, size_t prefix)
{
    char time[SK_LOG_PREFIX_LEN + 1];
    struct sk_wall at = time_of_next(r);

    if (r->frame->len == 0)
        r->frame->at = at;
    if (prefix) {
        print_time(at, time);
        put(r, time, SK_LOG_PREFIX_LEN);
    }
    put(r, data, len);
    r->text->next += len;
    r->text->in_line = data[len - 1] != '\n';
}

/* How much of a line that is there in part goes into this frame now. */
static size_t part_of(const struct rendering *r, const uint8_t *data, size_t len)
{
    if (r->source->last)
        return len;
    if (r->source->more && r->frame->len > 0)
        return 0; /* the next frame has it in one */
    return len - sk_utf8_unfinished((const char *)data, len);
}

/* The next line, or what there is of it; false when this frame takes no more. */
static bool take_line(struct rendering *r)
{
    const struct sk_log_source *source = r->source;
    size_t at = (size_t)(r->text->next - source->offset), left = source->len - at;
    const uint8_t *data = source->data + at;
    const uint8_t *newline = left ? memchr(data, '\n', left) : NULL;
    size_t len = newline ? (size_t)(newline - data) + 1 : part_of(r, data, left);
    size_t prefix = r->text->timestamps && !r->text->in_line ? SK_LOG_PREFIX_LEN : 0;
    uint64_t room = SK_LOG_FRAME_MAX - r->frame->len + r->text->skip;

    if (len == 0)
        return false;
    if (prefix + len > room) {
        if (r->frame->len > 0)
            return false;
        len = (size_t)room - prefix;
        len -= sk_utf8_unfinished((const char *)data, len);
    }
    put_line(r, data, len, prefix);
    return r->text->next < source->offset + source->len;
}

void sk_log_text_render(struct sk_log_text *text, const struct sk_log_source *source,
                        struct sk_log_frame *frame)
{
    struct rendering r = {.text = text, .source = source, .frame = frame};

    assert(text->next >= source->offset && text->next <= source->offset + source->len);
    frame->len = 0;
    frame->at = (struct sk_wall){0};
    while (take_line(&r)) {
    }
}
