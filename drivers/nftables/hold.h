/* hold.h: what the packet filter holds for one slot: who it may send as, and
 * where its denied packets are counted. Writes batches. */
#ifndef SK_NFTABLES_HOLD_H
#define SK_NFTABLES_HOLD_H

#include "drivers/nftables/batch.h"
#include "drivers/nftables/slot.h"

#define SK_HOLD_NAME_MAX 32
/* Of a chain, set or counter that is one slot's own. */
void sk_hold_name(const struct sk_slot *slot, const char *kind, char out[SK_HOLD_NAME_MAX]);

/* Both can be written again. */
void sk_hold_add(struct sk_batch *batch, const struct sk_slot *slot);
void sk_hold_remove(struct sk_batch *batch, const struct sk_slot *slot);

#endif
