#include "base/log.h"
#include "base/buf.h"
#include "base/journald.h"
#include "base/json_out.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX = 64 * 1024, VALUE_MAX = 4 * 1024, TAIL_LEN = 2 /* "}\n" */ };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void sk_log_init(struct sk_log *log, int fd, enum sk_level level)
{
    *log = (struct sk_log){.fd = fd, .level = level};
}

void sk_log_set_level(struct sk_log *log, enum sk_level level)
{
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
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

static enum sk_code add_value(struct sk_buf *line, const struct sk_field *field)
{
    switch (field->kind) {
    case SK_FIELD_STR:
        return field->value.str ? sk_json_out_text(line, field->value.str, VALUE_MAX)
                                : sk_buf_append(line, "null", 4);
    case SK_FIELD_INT:
        return sk_buf_printf(line, "%" PRId64, field->value.num);
    case SK_FIELD_MS:
        return sk_json_out_millis(line, field->value.num);
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
    char head[96], time[SK_JSON_TIME_SIZE];
    sk_json_out_time(sk_clock_wall(), time);
    (void)snprintf(head, sizeof(head), "{\"time\":\"%s\",\"level\":\"%s\"", time, level_names[level]);
    add_sure(line, head);
    add_field(line, &SK_STR("event", event));
}

/* Behind it may be the journal that has just refused. */
static bool is_full(int fd)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    return poll(&out, 1, 0) == 0;
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
    if (!root->journald || !is_full(root->fd))
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
    return root && level >= __atomic_load_n(&root->level, __ATOMIC_RELAXED);
}

static void write_line(const struct sk_log *log, enum sk_level level, const char *event,
                       const struct sk_field *error, const struct sk_field *fields)
{
    const struct sk_log *root = root_of(log);
    if (!is_wanted(root, level))
        return;
    if (root->journald && !root->sink && sk_journald_write(root->journald, level, event, log, fields, error))
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
