#include "base/log.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_MAX = 64 * 1024, VALUE_MAX = 4 * 1024, TAIL_LEN = 2 /* "}\n" */ };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void sk_log_init(struct sk_log *log, int fd, enum sk_level level)
{
    *log = (struct sk_log){.fd = fd, .level = level};
}

enum sk_code sk_level_parse(const char *text, enum sk_level *out_level)
{
    for (size_t i = 0; i < sk_array_len(level_names); i++) {
        if (strcmp(text, level_names[i]) != 0)
            continue;
        *out_level = (enum sk_level)i;
        return SK_OK;
    }
    return SK_INVALID_ARGUMENT;
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

static enum sk_code add_string(struct sk_buf *line, const char *text)
{
    size_t whole = strlen(text), at = 0;
    size_t len = whole < VALUE_MAX ? whole : VALUE_MAX;
    enum sk_code code = sk_buf_append(line, "\"", 1);
    while (code == SK_OK && at < len) {
        size_t step = sk_utf8_next(text + at, whole - at);
        code = add_char(line, text + at, step);
        at += step ? step : 1;
    }
    if (code == SK_OK && whole > len)
        code = sk_buf_append(line, "\xE2\x80\xA6", 3); /* an ellipsis */
    return code == SK_OK ? sk_buf_append(line, "\"", 1) : code;
}

static enum sk_code add_millis(struct sk_buf *line, int64_t ns)
{
    uint64_t us = (ns < 0 ? -(uint64_t)ns : (uint64_t)ns) / 1000;
    return sk_buf_printf(line, "%s%" PRIu64 ".%03" PRIu64, ns < 0 ? "-" : "", us / 1000, us % 1000);
}

static enum sk_code add_value(struct sk_buf *line, const struct sk_field *field)
{
    switch (field->kind) {
    case SK_FIELD_STR:
        return field->value.str ? add_string(line, field->value.str) : sk_buf_append(line, "null", 4);
    case SK_FIELD_INT:
        return sk_buf_printf(line, "%" PRId64, field->value.num);
    case SK_FIELD_MS:
        return add_millis(line, field->value.num);
    case SK_FIELD_BOOL:
        return sk_buf_printf(line, "%s", field->value.num ? "true" : "false");
    }
    return sk_buf_append(line, "null", 4);
}

/* Adds the field whole, or not at all when the line is full. */
static void add_field(struct sk_buf *line, const struct sk_field *field)
{
    size_t before = line->len;
    const char *unit = field->kind == SK_FIELD_MS ? "_ms" : "";
    enum sk_code code = sk_buf_printf(line, ",\"%s%s\":", field->key, unit);
    if (code == SK_OK)
        code = add_value(line, field);
    if (code != SK_OK)
        line->len = before;
}

static void add_fields(struct sk_buf *line, const struct sk_field *fields)
{
    for (; fields->key; fields++)
        add_field(line, fields);
}

static void add_inherited(struct sk_buf *line, const struct sk_log *log)
{
    if (log->parent)
        add_inherited(line, log->parent);
    for (size_t i = 0; i < sk_array_len(log->fields) && log->fields[i].key; i++)
        add_field(line, &log->fields[i]);
}

/* Adds what always fits: the head, and the tail that room was held back for. */
static void add_sure(struct sk_buf *line, const char *text)
{
    enum sk_code code = sk_buf_append(line, text, strlen(text));
    assert(code == SK_OK);
    (void)code;
}

static void begin_line(struct sk_buf *line, enum sk_level level, const char *event)
{
    struct sk_wall now = sk_clock_wall();
    time_t seconds = now.ns / 1000000000;
    struct tm tm;
    char day[32];
    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    char head[96];
    (void)snprintf(head, sizeof(head), "{\"time\":\"%s.%06dZ\",\"level\":\"%s\"", day,
                   (int)(now.ns % 1000000000 / 1000), level_names[level]);
    add_sure(line, head);
    add_field(line, &SK_STR("event", event));
}

static void finish_line(struct sk_buf *line, const struct sk_log *root)
{
    line->ceiling += TAIL_LEN;
    add_sure(line, "}\n");
    size_t len = line->len;
    SK_AUTO_FREE char *text = sk_buf_take_text(line);
    if (root->sink) {
        root->sink(root->arg, text, len);
        return;
    }
    int before = errno; /* logging changes nothing for its caller */
    while (write(root->fd, text, len) < 0 && errno == EINTR)
        ;
    errno = before;
}

static const struct sk_log *root_of(const struct sk_log *log)
{
    while (log && log->parent)
        log = log->parent;
    return log;
}

static bool is_wanted(const struct sk_log *root, enum sk_level level)
{
    return root && level >= root->level;
}

static void write_line(const struct sk_log *log, enum sk_level level, const char *event,
                       const struct sk_field *error, const struct sk_field *fields)
{
    const struct sk_log *root = root_of(log);
    if (!is_wanted(root, level))
        return;
    struct sk_buf line;
    sk_buf_init(&line, LINE_MAX - TAIL_LEN);
    begin_line(&line, level, event);
    add_inherited(&line, log);
    add_fields(&line, fields);
    add_fields(&line, error);
    finish_line(&line, root);
}

void sk_log_write(const struct sk_log *log, enum sk_level level, const char *event,
                  const struct sk_field *fields)
{
    write_line(log, level, event, (const struct sk_field[]){{0}}, fields);
}

void sk_log_write_err(const struct sk_log *log, enum sk_level level, const char *event,
                      const struct sk_err *err, const struct sk_field *fields)
{
    struct sk_field error[6] = {{0}};
    size_t used = 0;
    if (err) {
        error[used++] = SK_STR("code", sk_code_name(err->code));
        error[used++] = SK_STR("error", err->text);
        error[used++] = SK_STR("where", err->where);
        if (err->reason)
            error[used++] = SK_STR("reason", err->reason);
        if (err->sys)
            error[used++] = SK_INT("errno", err->sys);
    }
    write_line(log, level, event, error, fields);
}
