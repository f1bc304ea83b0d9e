#include "base/json_out.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The bytes from `text` on that need nothing done to them. */
static size_t plain_len(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && text[at] >= 0x20 && text[at] < 0x7F && text[at] != '"' && text[at] != '\\')
        at++;
    return at;
}

/* One character of `text`, `step` bytes long (0 = not UTF-8), as JSON wants it. */
static enum sk_code add_char(struct sk_buf *line, const char *text, size_t step)
{
    if (step == 0 || (step > 1 && !sk_utf8_is_printable(text, step)))
        return sk_buf_append(line, "\xEF\xBF\xBD", 3); /* U+FFFD */
    if (step > 1)
        return sk_buf_append(line, text, step);
    if (*text == '"' || *text == '\\')
        return sk_buf_printf(line, "\\%c", *text);
    if (*text == '\n')
        return sk_buf_append(line, "\\n", 2);
    if ((unsigned char)*text < 0x20 || *text == 0x7F)
        return sk_buf_printf(line, "\\u%04x", (unsigned)*text);
    return sk_buf_append(line, text, 1);
}

enum sk_code sk_json_out_text(struct sk_buf *out, const char *text, size_t max)
{
    size_t whole = strnlen(text, max + 4), at = 0;
    size_t len = whole < max ? whole : max;
    enum sk_code code = sk_buf_append(out, "\"", 1);
    while (code == SK_OK && at < len) {
        size_t plain = plain_len(text + at, len - at);
        code = sk_buf_append(out, text + at, plain);
        at += plain;
        if (code != SK_OK || at == len)
            continue;
        size_t step = sk_utf8_next(text + at, whole - at);
        code = add_char(out, text + at, step);
        at += step ? step : 1;
    }
    if (code == SK_OK && whole > len)
        code = sk_buf_append(out, "\xE2\x80\xA6", 3); /* an ellipsis */
    return code == SK_OK ? sk_buf_append(out, "\"", 1) : code;
}

/* As one unit of UTF-16, or two. */
static enum sk_code add_units(struct sk_buf *out, uint32_t point)
{
    if (point < 0x10000)
        return sk_buf_printf(out, "\\u%04x", (unsigned)point);
    point -= 0x10000;
    return sk_buf_printf(out, "\\u%04x\\u%04x", 0xD800u | point >> 10, 0xDC00u | (point & 0x3FF));
}

static enum sk_code add_disarmed(struct sk_buf *out, const char *at, size_t step)
{
    if (step == 0)
        return sk_buf_append(out, "\xEF\xBF\xBD", 3); /* U+FFFD */
    if (*at == '\n' || sk_utf8_is_printable(at, step))
        return sk_buf_append(out, at, step);
    return add_units(out, sk_utf8_code_point(at, step));
}

enum sk_code sk_json_out_disarmed(struct sk_buf *out, const char *json, size_t len)
{
    enum sk_code code = SK_OK;
    for (size_t at = 0, step; code == SK_OK && at < len; at += step ? step : 1) {
        size_t plain = at;
        while (plain < len && json[plain] >= 0x20 && json[plain] < 0x7F)
            plain++;
        code = sk_buf_append(out, json + at, plain - at);
        at = plain;
        step = at < len ? sk_utf8_next(json + at, len - at) : 1;
        if (code == SK_OK && at < len)
            code = add_disarmed(out, json + at, step);
    }
    return code;
}

enum sk_code sk_json_out_millis(struct sk_buf *out, int64_t ns)
{
    uint64_t us = (ns < 0 ? -(uint64_t)ns : (uint64_t)ns) / 1000;
    return sk_buf_printf(out, "%s%" PRIu64 ".%03" PRIu64, ns < 0 ? "-" : "", us / 1000, us % 1000);
}

void sk_json_out_time(struct sk_wall at, char out[SK_JSON_TIME_SIZE])
{
    time_t seconds = at.ns / 1000000000;
    struct tm tm;
    char day[20];
    if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900 ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
        (void)snprintf(day, sizeof(day), "1970-01-01T00:00:00");
    (void)snprintf(out, SK_JSON_TIME_SIZE, "%s.%06uZ", day, (unsigned)(at.ns % 1000000000 / 1000) % 1000000U);
}
