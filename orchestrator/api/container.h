/* container.h: the container part of a spec. Pure. */
#ifndef SK_API_CONTAINER_H
#define SK_API_CONTAINER_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

/* Environment in order of names; see sk_spec_sort. */
void sk_container_sort(SK_PB(Container) * container);

/* Fills the container's part of *out_spec; adds to `check` what is wrong. tenant: whose it is. */
void sk_container_decode(const SK_PB(Container) * container, const struct sk_path *path,
                         const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                         struct sk_spec *out_spec, struct sk_check *check);

#endif
