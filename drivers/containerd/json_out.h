/* json_out.h: writes one JSON text.
 *
 * The first failure (a string that is not UTF-8, say) sticks; it is reported
 * by sk_json_out_take, so that writers need not check every line. */
#ifndef SK_CONTAINERD_JSON_OUT_H
#define SK_CONTAINERD_JSON_OUT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct yajl_gen_t;

struct sk_json_out {
    struct yajl_gen_t *gen; /* owned */
    int failed;             /* first yajl_gen_status, 0 = none */
};

void sk_json_out_init(struct sk_json_out *out);
void sk_json_out_fini(struct sk_json_out *out);
/* The finished text on the heap, NUL-terminated, *out_len without the NUL.
 * Errors: SK_INVALID_ARGUMENT (not UTF-8, or not one whole value). */
SK_MUST_CHECK enum sk_code sk_json_out_take(struct sk_json_out *out, char **out_text, size_t *out_len,
                                            struct sk_err *err);

/* key NULL: inside an array, or the outermost value. */
void sk_json_map(struct sk_json_out *out, const char *key);
void sk_json_map_end(struct sk_json_out *out);
void sk_json_array(struct sk_json_out *out, const char *key);
void sk_json_array_end(struct sk_json_out *out);
void sk_json_str(struct sk_json_out *out, const char *key, const char *value);
void sk_json_strn(struct sk_json_out *out, const char *key, const char *value, size_t len);
void sk_json_int(struct sk_json_out *out, const char *key, int64_t value);
void sk_json_bool(struct sk_json_out *out, const char *key, bool value);
/* An array of strings; `values` is NULL-terminated. */
void sk_json_strs(struct sk_json_out *out, const char *key, const char *const *values);

#endif
