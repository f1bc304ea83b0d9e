/* mounts.h: what a sandbox is to find in place when it starts, as the drivers
 * want it: files for its guest's folder, and where they appear. Those of its
 * spec, and behind them those of its network. Pure. */
#ifndef SK_CORE_MOUNTS_H
#define SK_CORE_MOUNTS_H

#include "base/arena.h"
#include "drivers/agent.h"
#include "drivers/network.h"
#include "drivers/runtime.h"
#include "store/records.h"

struct sk_mounts {
    const struct sk_guest_file *files; /* the arena's; the contents are the spec's */
    const struct sk_bind *binds;
    size_t count; /* of both */
};

/* place: NULL = none; folder: the guest's, on the host. */
struct sk_mounts sk_mounts_make(struct sk_arena *arena, const struct sk_record *record,
                                const struct sk_network_place *place, const char *folder);

#endif
