/* fetch.h: one blob's way into the store, for all who want it: from a
 * registry, or from memory. What a registry's endpoint sends is only believed
 * when the store finds its digest right; if not, the next endpoint is asked.
 *
 * No more than SK_FETCH_HIGH bytes (and what the registry hands over at once)
 * wait for the store; beyond that the registry is held. */
#ifndef SK_IMAGES_FETCH_H
#define SK_IMAGES_FETCH_H

#include "drivers/images/lease.h"
#include "drivers/images/source.h"

#define SK_FETCH_PIECE ((size_t)512 * 1024) /* written at once, but for the last */
#define SK_FETCH_HIGH  (2 * SK_FETCH_PIECE)

struct sk_fetch_ask {
    struct sk_lease *lease;
    struct sk_source *source;   /* where it comes from … */
    const struct sk_buf *bytes; /* … unless they are here: NULL = they are not */
    const struct sk_oci_descriptor *what;
};

/* One who waits for a fetch: all in driver->blobs are of this kind. */
struct sk_fetch_waiter {
    struct sk_waiter waiter;
    int64_t *progress; /* added to as bytes come; may be NULL */
    int64_t counted;   /* of it; what comes a second time is not counted again */
};

/* So many bytes have come, from the first. */
void sk_fetch_waiter_count(struct sk_fetch_waiter *waiter, int64_t at);

/* A run of driver->blobs (loop/flight.h); all of *ask is copied or referred to. Answers `run` once; can be
 * cancelled: then what has come stays as long as the lease. */
void sk_fetch_start(const struct sk_fetch_ask *ask, struct sk_flight *flight, struct sk_done *run);

/* Somebody joined the flight who has the blob from elsewhere: that is where it goes on from when it comes
 * hardly at all. A reference is taken; fine for flights that are no fetch. */
void sk_fetch_offer(struct sk_flight *flight, struct sk_source *source);

#endif
