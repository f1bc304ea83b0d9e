/* json.h: a JSON text as a tree that remembers lines.
 *
 * Comments are allowed. The text may be hostile: depth is bounded, strings
 * are UTF-8 without NULs. Pure; the tree lives in the caller's arena. */
#ifndef SK_CONFIG_JSON_H
#define SK_CONFIG_JSON_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

#define SK_JSON_DEPTH_MAX 16

enum sk_json_kind {
    SK_JSON_NULL,
    SK_JSON_BOOL,
    SK_JSON_NUMBER,
    SK_JSON_STRING,
    SK_JSON_ARRAY,
    SK_JSON_OBJECT,
};

struct sk_json {
    enum sk_json_kind kind;
    int line;              /* where it ends (arrays and objects: begins); from 1 */
    const char *key;       /* of a member; else NULL */
    const char *text;      /* of a string; of a number as written; else "" */
    bool truth;            /* of a bool */
    struct sk_json *first; /* of an array or object */
    struct sk_json *next;
};

/* Errors: SK_INVALID_ARGUMENT; *out_line is then where. */
SK_MUST_CHECK enum sk_code sk_json_parse(struct sk_arena *arena, const char *text, size_t len,
                                         struct sk_json **out_root, int *out_line, struct sk_err *err);

/* As JSON again, without comments and spaces; numbers as they were written. */
const char *sk_json_print(struct sk_arena *arena, const struct sk_json *value);

/* "a string" and so on. */
const char *sk_json_kind_name(enum sk_json_kind kind);

#endif
