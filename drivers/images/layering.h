/* layering.h: one layer that a pull wants unpacked under its lease, on top of
 * those below it. If it is not there it is unpacked; if somebody else unpacks
 * it already, that is waited for: one run a chain id (driver->unpacks). */
#ifndef SK_IMAGES_LAYERING_H
#define SK_IMAGES_LAYERING_H

#include "drivers/images/lease.h"
#include "loop/op.h"

/* The caller's, zeroed; stays until done has fired. */
struct sk_layering {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done;
    struct sk_waiter waiter;
    struct sk_lease *lease;
    struct sk_unpack_ask ask; /* its texts are borrowed until done fires */
    int64_t bytes;            /* that the layer was found to unpack to; -1 = it was there already */
    bool is_there;
    bool is_ours; /* the run waited for is one that we started */
    bool is_cancelled;
    unsigned tries;
};

/* lease: borrowed until done fires; ask->lease is not read. The layer's blob and the layers below are under
 * the lease. ask->out_bytes is not written: see `bytes`; layering->ask.ahead_take is what of it
 * was not used, which is the caller's again. Can be cancelled; others who wait for the same layer
 * do not notice. Errors: of the store. */
void sk_layering_start(struct sk_layering *layering, struct sk_lease *lease, const struct sk_unpack_ask *ask,
                       struct sk_done *done);

#endif
