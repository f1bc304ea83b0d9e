/* log.h: structured log: a stable event name and typed fields, no format
 * strings. A child logger carries fields of its own (sandbox id, request id)
 * into every line. The sink is replaceable; the default writes one JSON
 * object a line to a file descriptor.
 *
 * A line begins with "time", "level" and "event"; fields follow, those of the
 * outermost parent first. Values longer than 4 KiB are cut; a field that
 * would make the line longer than 64 KiB is left out.
 *
 * Thread: any; the default sink writes a line with one write(2). */
#ifndef SK_BASE_LOG_H
#define SK_BASE_LOG_H

#include "base/clock.h"
#include "base/err.h"

enum sk_level { SK_DEBUG, SK_INFO, SK_WARN, SK_ERROR };

struct sk_field {
    const char *key; /* NULL ends a list */
    enum sk_field_kind { SK_FIELD_STR, SK_FIELD_INT, SK_FIELD_MS, SK_FIELD_BOOL } kind;
    union {
        const char *str; /* NULL prints as null; invalid UTF-8 is replaced */
        int64_t num;     /* INT; MS in nanoseconds; BOOL */
    } value;
};

#define SK_STR(k, v) ((struct sk_field){(k), SK_FIELD_STR, {.str = (v)}})
#define SK_INT(k, v) ((struct sk_field){(k), SK_FIELD_INT, {.num = (int64_t)(v)}})
/* Prints key "<k>_ms" in milliseconds, with three decimals. */
#define SK_MS(k, v)   ((struct sk_field){(k), SK_FIELD_MS, {.num = (v).ns}})
#define SK_BOOL(k, v) ((struct sk_field){(k), SK_FIELD_BOOL, {.num = (v)}})

struct sk_journald;

struct sk_log {
    const struct sk_log *parent; /* its fields are printed first; NULL for a root */
    struct sk_field fields[2];   /* a child's own; unused ones zero; strings borrowed */
    enum sk_level level;         /* lines below it are dropped (roots only) */
    /* Roots only; NULL = descriptor `fd`. The line ends with "\n" (and a NUL that len does not count). */
    void (*sink)(void *arg, const char *line, size_t len);
    void *arg;
    int fd;
    const struct sk_journald *journald; /* roots only; goes before `fd` (journald.h); NULL = none; borrowed */
};

/* A root logger to a descriptor. */
void sk_log_init(struct sk_log *log, int fd, enum sk_level level);
/* Of a root; lines that others write meanwhile go by the one or the other level. Any thread. */
void sk_log_set_level(struct sk_log *log, enum sk_level level);
/* Level names: "debug", "info", "warn", "error". */
SK_MUST_CHECK enum sk_code sk_level_parse(const char *text, enum sk_level *out_level);

/* log may be NULL: then nothing is written. */
#define sk_log(log, level, event, ...)                                                                       \
    sk_log_write((log), (level), (event), (const struct sk_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
/* The same with the error's code, sentence and origin as fields. */
#define sk_log_err(log, level, event, err, ...)                                                              \
    sk_log_write_err((log), (level), (event), (err), (const struct sk_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

void sk_log_write(const struct sk_log *log, enum sk_level level, const char *event,
                  const struct sk_field *fields);
void sk_log_write_err(const struct sk_log *log, enum sk_level level, const char *event,
                      const struct sk_err *err, const struct sk_field *fields);

#endif
