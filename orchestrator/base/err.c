#include "base/err.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = sizeof(((struct sk_err *)NULL)->text) };

/* Copies `from` into the sentence. Parts of it may come from strangers, and
 * it may be cut short: what is not printable UTF-8 becomes '?'. */
static void set_text(struct sk_err *err, const char *from)
{
    size_t len = strlen(from), used = 0;
    for (size_t at = 0, step; at < len; at += step) {
        step = sk_utf8_next(from + at, len - at);
        bool printable = step && sk_utf8_is_printable(from + at, step);
        size_t len_out = printable ? step : 1;
        step = step ? step : 1;
        if (used + len_out >= TEXT_SIZE)
            break;
        memcpy(err->text + used, printable ? from + at : "?", len_out);
        used += len_out;
    }
    err->text[used] = '\0';
}

static void append_sys(char *text, size_t size, int sys)
{
    size_t len = strlen(text);
    const char *what = strerrordesc_np(sys);
    if (what)
        (void)snprintf(text + len, size - len, ": %s", what);
    else
        (void)snprintf(text + len, size - len, ": errno %d", sys);
}

enum sk_code sk_err_set(struct sk_err *err, enum sk_code code, int sys, const char *where, const char *fmt,
                        ...)
{
    assert(code != SK_OK);
    if (!err)
        return code;
    char text[2 * TEXT_SIZE]; /* apart from *err, since arguments may point into it */
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (sys)
        append_sys(text, sizeof(text), sys);
    *err = (struct sk_err){.code = code, .sys = sys, .where = where};
    set_text(err, text);
    return code;
}

enum sk_code sk_err_reason(struct sk_err *err, const char *reason)
{
    if (!err)
        return SK_UNKNOWN;
    assert(err->code != SK_OK);
    err->reason = reason;
    return err->code;
}

enum sk_code sk_err_wrap(struct sk_err *err, const char *fmt, ...)
{
    if (!err)
        return SK_UNKNOWN;
    assert(err->code != SK_OK);
    char text[2 * TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, TEXT_SIZE, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, ": %s", err->text);
    set_text(err, text);
    return err->code;
}

const char *sk_code_name(enum sk_code code)
{
    static const char *const names[] = {
        [SK_OK] = "ok",
        [SK_CANCELLED] = "cancelled",
        [SK_UNKNOWN] = "unknown",
        [SK_INVALID_ARGUMENT] = "invalid_argument",
        [SK_DEADLINE_EXCEEDED] = "deadline_exceeded",
        [SK_NOT_FOUND] = "not_found",
        [SK_ALREADY_EXISTS] = "already_exists",
        [SK_PERMISSION_DENIED] = "permission_denied",
        [SK_RESOURCE_EXHAUSTED] = "resource_exhausted",
        [SK_FAILED_PRECONDITION] = "failed_precondition",
        [SK_ABORTED] = "aborted",
        [SK_OUT_OF_RANGE] = "out_of_range",
        [SK_UNIMPLEMENTED] = "unimplemented",
        [SK_INTERNAL] = "internal",
        [SK_UNAVAILABLE] = "unavailable",
        [SK_DATA_LOSS] = "data_loss",
        [SK_UNAUTHENTICATED] = "unauthenticated",
    };
    return (size_t)code < sk_array_len(names) ? names[code] : "unknown";
}

enum sk_code sk_code_from_errno(int sys)
{
    switch (sys) {
    case 0:
        return SK_OK;
    case ENOENT:
    case ENOTDIR:
        return SK_NOT_FOUND;
    case EEXIST:
        return SK_ALREADY_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return SK_PERMISSION_DENIED;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return SK_RESOURCE_EXHAUSTED;
    default:
        return SK_INTERNAL;
    }
}
