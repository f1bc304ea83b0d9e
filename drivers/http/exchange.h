/* exchange.h: one HTTP request whose whole answer is wanted, and is small: for
 * those who have no use for pieces.
 *
 * Threads: loop only. */
#ifndef SK_EXCHANGE_H
#define SK_EXCHANGE_H

#include "base/buf.h"
#include "drivers/http/http.h"

/* Zeroed is none. */
struct sk_exchange {
    struct sk_loop *loop;
    struct sk_done *done;
    struct sk_http_transfer *transfer;
    int status;            /* of the answer; 0 = none came */
    int64_t retry_after_s; /* -1 = not said */
    struct sk_buf body;    /* request->max_bytes is its ceiling */
};

/* All of the answer's body must come within request->stall of its head, however it is dealt out; `least`
 * plays no part. done: as on_end of http.h; a complete answer is no error whatever its status is. It can be
 * cancelled. The texts of the request are copied. The exchange is the caller's until sk_exchange_fini. */
void sk_exchange_start(struct sk_exchange *exchange, struct sk_http *http,
                       const struct sk_http_request *request, struct sk_done *done);
/* done does not fire afterwards, unless it was cancelled and has yet to say so: then wait. Twice is harmless.
 */
void sk_exchange_fini(struct sk_exchange *exchange);

#endif
