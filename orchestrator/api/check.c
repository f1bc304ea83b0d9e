#include "api/check.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *sk_path_text(struct sk_arena *arena, const struct sk_path *path)
{
    const char *above = path->parent ? sk_path_text(arena, path->parent) : "";
    const char *dot = path->parent ? "." : "";
    if (path->index < 0)
        return sk_arena_printf(arena, "%s%s%s", above, dot, path->name);
    return sk_arena_printf(arena, "%s%s%s[%lld]", above, dot, path->name, (long long)path->index);
}

/* Strings of a request are UTF-8, but the end of the buffer may have cut one. */
static void cut_clean(char *text)
{
    size_t len = strlen(text);
    while (len && !sk_utf8_is_valid(text, len))
        len--;
    text[len] = '\0';
}

void sk_check_violated(struct sk_check *check, const struct sk_path *path, const char *fmt, ...)
{
    if (check->count++ >= SK_VIOLATIONS_MAX)
        return;
    char text[192];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    cut_clean(text);
    check->violations[check->count - 1] = (struct sk_violation){
        .field = sk_path_text(check->arena, path),
        .text = sk_arena_strdup(check->arena, text),
    };
}

void sk_check_refused(struct sk_check *check, const struct sk_path *path, enum sk_code code,
                      const char *reason, const char *fmt, ...)
{
    if (check->refusal.code)
        return;
    char text[160];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const char *field = sk_path_text(check->arena, path);
    (void)sk_fail(&check->refusal, code, "%s: %s", field, text);
    check->refusal.reason = reason;
    (void)snprintf(check->refusal.field, sizeof(check->refusal.field), "%s", field);
}

void sk_check_unimplemented(struct sk_check *check, const struct sk_path *path, const char *name, bool used)
{
    if (used)
        sk_check_refused(check, SK_FIELD(path, name), SK_UNIMPLEMENTED, "NOT_IMPLEMENTED",
                         "is not implemented yet");
}

enum sk_code sk_check_result(const struct sk_check *check, struct sk_err *err)
{
    if (!check->count) {
        if (check->refusal.code && err)
            *err = check->refusal;
        return check->refusal.code;
    }
    const struct sk_violation *first = &check->violations[0];
    const char *more = check->count > 1 ? " (and more)" : "";
    enum sk_code code = sk_fail(err, SK_INVALID_ARGUMENT, "%.96s: %.128s%s", first->field, first->text, more);
    if (err) {
        err->reason = check->reason;
        (void)snprintf(err->field, sizeof(err->field), "%s", first->field);
    }
    return code;
}

bool sk_check_range(struct sk_check *check, const struct sk_path *path, int64_t value, int64_t least,
                    int64_t most)
{
    if (value >= least && value <= most)
        return true;
    sk_check_violated(check, path, "must be between %lld and %lld", (long long)least, (long long)most);
    return false;
}

bool sk_check_count(struct sk_check *check, const struct sk_path *path, size_t count, size_t most)
{
    if (count <= most)
        return true;
    sk_check_violated(check, path, "must not have more than %zu", most);
    return false;
}

bool sk_check_length(struct sk_check *check, const struct sk_path *path, const char *text, size_t most)
{
    if (strlen(text) <= most)
        return true;
    sk_check_violated(check, path, "must not be longer than %zu bytes", most);
    return false;
}

bool sk_check_enum(struct sk_check *check, const struct sk_path *path, int value, int most)
{
    if (value >= 0 && value <= most)
        return true;
    sk_check_violated(check, path, "%d is not a value known here", value);
    return false;
}

bool sk_check_env_name(struct sk_check *check, const struct sk_path *path, const char *name)
{
    if (name[0] && !strchr(name, '='))
        return true;
    sk_check_violated(check, path,
                      name[0] ? "a variable's name must not contain '='" : "a variable must have a name");
    return false;
}

bool sk_check_request_id(struct sk_check *check, const char *request_id)
{
    return sk_check_length(check, SK_FIELD(NULL, "request_id"), request_id, 128);
}
