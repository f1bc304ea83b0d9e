/* want.h: one blob that a pull wants under its lease. If it is not there it is
 * fetched; if somebody else fetches it already, that is waited for: one fetch
 * a digest (driver->blobs), however many want it. */
#ifndef SK_IMAGES_WANT_H
#define SK_IMAGES_WANT_H

#include "drivers/images/fetch.h"
#include "loop/op.h"

struct sk_want_ask {
    struct sk_lease *lease;     /* borrowed, as all here, until done fires */
    struct sk_source *source;   /* NULL: what is neither there nor in `bytes` is an error */
    const struct sk_buf *bytes; /* what it consists of, NULL = not known */
    const struct sk_oci_descriptor *what;
    int64_t *progress; /* added to as bytes come, in the end exactly what->size; may be NULL */
};

/* The caller's, zeroed; stays until done has fired. */
struct sk_want {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done;
    struct sk_fetch_waiter waiter;
    struct sk_want_ask ask;
    int64_t size; /* in the store, -1 = not there */
    bool is_ours; /* the fetch waited for is one that we started */
    bool is_cancelled;
    unsigned tries;
};

/* Copies *ask. Can be cancelled; others who wait for the same fetch do not notice. Errors: of the store and
 * the registry; SK_FAILED_PRECONDITION (its size is another than said; it is not there and has no source). */
void sk_want_start(struct sk_want *want, const struct sk_want_ask *ask, struct sk_done *done);

#endif
