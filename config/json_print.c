/* json_print.c: a tree as text again (json.h). */
#include "base/buf.h"
#include "config/json.h"

#include <string.h>

/* A tree comes of a text of a megabyte; escapes make it no more than six times as long. */
#define PRINT_MAX ((size_t)64 * 1024 * 1024)

/* So the ceiling is never met. */
static void put(struct sk_buf *out, const char *text, size_t len)
{
    (void)!sk_buf_append(out, text, len);
}

static void put_string(struct sk_buf *out, const char *text)
{
    put(out, "\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            put(out, "\\", 1);
        if ((unsigned char)*text < ' ')
            (void)!sk_buf_printf(out, "\\u%04x", (unsigned)*text);
        else
            put(out, text, 1);
    }
    put(out, "\"", 1);
}

static void put_value(struct sk_buf *out, const struct sk_json *value);

static void put_members(struct sk_buf *out, const struct sk_json *value, const char *brackets)
{
    put(out, brackets, 1);
    for (const struct sk_json *member = value->first; member; member = member->next) {
        if (member != value->first)
            put(out, ",", 1);
        if (member->key) {
            put_string(out, member->key);
            put(out, ":", 1);
        }
        put_value(out, member);
    }
    put(out, brackets + 1, 1);
}

/* As deep as the parser goes. */
static void put_value(struct sk_buf *out, const struct sk_json *value) /* NOLINT(misc-no-recursion) */
{
    if (value->kind == SK_JSON_OBJECT)
        put_members(out, value, "{}");
    else if (value->kind == SK_JSON_ARRAY)
        put_members(out, value, "[]");
    else if (value->kind == SK_JSON_STRING)
        put_string(out, value->text);
    else if (value->kind == SK_JSON_NUMBER)
        put(out, value->text, strlen(value->text));
    else if (value->kind == SK_JSON_BOOL)
        put(out, value->truth ? "true" : "false", value->truth ? 4 : 5);
    else
        put(out, "null", 4);
}

const char *sk_json_print(struct sk_arena *arena, const struct sk_json *value)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_buf_init(&out, PRINT_MAX);
    put_value(&out, value);
    return sk_arena_strndup(arena, (const char *)out.data, out.len);
}
