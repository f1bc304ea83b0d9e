/* request_id.h: what a call is named by in logs, error details, the audit and
 * traces: 16 hexadecimal digits that no other call has, and that tell nothing
 * of how many calls there were.
 *
 * Threads: loop only. */
#ifndef SK_API_REQUEST_ID_H
#define SK_API_REQUEST_ID_H

#include "base/arena.h"

#include <stdint.h>

#define SK_REQUEST_ID_LEN    16
#define SK_REQUEST_ID_HEADER "x-request-id" /* of requests and of answers */
#define SK_CLIENT_ID_MAX     64

struct sk_request_ids {
    uint64_t key[2];
    uint64_t count;
};

void sk_request_ids_init(struct sk_request_ids *ids);
void sk_request_ids_next(struct sk_request_ids *ids, char out[SK_REQUEST_ID_LEN + 1]);

/* What the client calls it: letters, digits and "-_.:/" stay, others become "?", and it is cut at
 * SK_CLIENT_ID_MAX. NULL when `given` is NULL or empty. */
const char *sk_request_id_clean(struct sk_arena *arena, const char *given);

#endif
