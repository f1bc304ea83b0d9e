/* hold.h: what the packet filter holds for one slot: who it may send as, where
 * its denied packets are counted, and, once a policy was applied, the chains
 * made of it. Writes batches; all of them can be written again. */
#ifndef SK_NFTABLES_HOLD_H
#define SK_NFTABLES_HOLD_H

#include "drivers/nftables/batch.h"
#include "drivers/nftables/grants.h"
#include "drivers/nftables/rules.h"
#include "drivers/nftables/slot.h"

/* A policy in force, or on its way to be. Heap. */
struct sk_hold {
    struct sk_arena arena;
    struct sk_rules rules; /* the arena's */
    uint32_t tenant;       /* its number */
    struct sk_grants grants;
};

/* NULL is fine. */
void sk_hold_free(struct sk_hold *hold);

#define SK_HOLD_NAME_MAX 32
/* Of a chain, set or counter that is one slot's own. */
void sk_hold_name(const struct sk_slot *slot, const char *kind, char out[SK_HOLD_NAME_MAX]);

/* All that there is to it: for a table that has none of it, and for one that has some. */
void sk_hold_add(struct sk_batch *batch, const struct sk_slot *slot, struct sk_instant now);
void sk_hold_remove(struct sk_batch *batch, const struct sk_slot *slot);
/* `next`, with what it has inherited, in the place of slot->hold. */
void sk_hold_replace(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *next,
                     struct sk_instant now);
/* Lets connections through to an address of a granted name, or to the gate instead, from now on for that
 * long. What is open anyway does not go to the gate. */
void sk_hold_grant(struct sk_batch *batch, const struct sk_slot *slot, const struct sk_hold *hold,
                   const struct sk_ip *ip, struct sk_duration lifetime);

#endif
