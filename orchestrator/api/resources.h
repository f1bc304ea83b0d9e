/* resources.h: what a container asks for in cpu and memory, in both forms the
 * API has, and what it gets. Pure. */
#ifndef SK_API_RESOURCES_H
#define SK_API_RESOURCES_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

/* Of one sandbox: thousandths of a core, bytes. */
struct sk_unsaid {
    struct {
        int64_t cpu_millis, memory_bytes;
    } requests, limits;
};

/* The older form (one set of values) as the newer one, a missing side taken
 * from the other, what nobody said on either side from `unsaid` (the node's defaults before
 * a sandbox is made, its record afterwards). Values keep the caller's
 * spelling: clients compare it. */
SK_PB(ResourceRequirements) * sk_resources_effective(struct sk_arena *arena,
                                                     const SK_PB(Container) * container,
                                                     const struct sk_unsaid *unsaid);

/* Fills the amounts of *out_spec (texts in the arena); adds to `check` what is wrong. */
void sk_resources_decode(const SK_PB(Container) * container, const struct sk_path *path,
                         const struct sk_node_config *node, struct sk_arena *arena, struct sk_spec *out_spec,
                         struct sk_check *check);

#endif
