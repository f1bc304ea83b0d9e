/* container_image.h: which image a container is made of, whether it may be,
 * and with whose login it is fetched. Pure, but for the secrets it asks for. */
#ifndef SK_API_CONTAINER_IMAGE_H
#define SK_API_CONTAINER_IMAGE_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

/* Fills image and login of *out_spec; adds to `check` what is wrong. That the secret is there for the tenant
 * is looked at, its value is not kept. */
void sk_container_image_decode(const SK_PB(Container) * container, const struct sk_path *path,
                               const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                               struct sk_spec *out_spec, struct sk_check *check);

#endif
