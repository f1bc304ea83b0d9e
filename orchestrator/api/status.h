/* status.h: from an error to what a failed call says: code, sentence, and the
 * packed google.rpc.Status whose details clients act on.
 *
 * Pure. The result is small enough for a trailer whatever goes in. */
#ifndef SK_API_STATUS_H
#define SK_API_STATUS_H

#include "api/check.h"

/* Packed details; base64 and the sentence come on top, and 6 KiB is what peers take. */
#define SK_STATUS_DETAILS_MAX 4096
#define SK_FACTS_MAX          8

/* The reason of what would be done if less were being done: asking again is worth it, and said to be. */
#define SK_REASON_BUSY "BUSY"

struct sk_status {
    enum sk_code code;
    const char *text; /* valid UTF-8 */
    const uint8_t *details;
    size_t details_len;
};

/* What clients read beside a reason, e.g. "size_bytes". */
struct sk_fact {
    const char *name, *value;
};

/* The error, the violations behind it (check may be NULL) and the facts of its
 * reason (ended by a NULL name; NULL = none; at most SK_FACTS_MAX, and the only
 * part that the caller must keep small). request_id (api/request_id.h; "" = none) stands in the details, so
 * that who tells of a failure can be helped. All that is made lives in the arena.
 * `err` must be an error. */
struct sk_status sk_status_make(struct sk_arena *arena, const struct sk_err *err,
                                const struct sk_check *check, const struct sk_fact *facts,
                                const char *request_id);

#endif
