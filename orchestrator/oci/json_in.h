/* json_in.h: reads one JSON text of doubtful origin, value by value.
 *
 * Depth and length of names are limited, memory use does not depend on the
 * text; strings are valid UTF-8 without NUL. */
#ifndef SK_OCI_JSON_IN_H
#define SK_OCI_JSON_IN_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum sk_json_kind {
    SK_JSON_OPEN,  /* a map or an array begins */
    SK_JSON_CLOSE, /* … ends */
    SK_JSON_STRING,
    SK_JSON_OTHER, /* number, boolean, null */
};

struct sk_json_item {
    enum sk_json_kind kind;
    /* Where it stands: "/config/Env/" + "*" for each element of that array.
     * A name that is long, or has a slash or is a star, reads "?". */
    const char *path;
    const char *text; /* of a STRING, and of a number as it was written; else NULL; not NUL-terminated */
    size_t len;
    bool is_null;
    bool is_array; /* OPEN: an array, not a map */
};

/* Calls `on` for every item; an error from it ends the reading and is passed
 * on. Errors of its own: SK_INVALID_ARGUMENT (not JSON, too deep). */
SK_MUST_CHECK enum sk_code sk_json_read(const uint8_t *text, size_t len,
                                        enum sk_code (*on)(void *arg, const struct sk_json_item *item,
                                                           struct sk_err *err),
                                        void *arg, struct sk_err *err);

#endif
