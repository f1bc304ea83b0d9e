/* spec.h: from a Sandbox message to what core/ is asked to make. Pure. */
#ifndef SK_API_SPEC_H
#define SK_API_SPEC_H

#include "api/check.h"
#include "api/messages.h"
#include "core/node.h"

#define SK_SPEC_BYTES_MAX ((size_t)1024 * 1024) /* of an accepted spec, packed, without contents of files */
#define SK_DEFAULT_IMAGE  "python:3.11"

/* Whether it is small enough to be looked at any further. */
bool sk_spec_fits(const SK_PB(Sandbox) * sandbox);

/* Puts map entries in order, so that equal requests have equal bytes; clients
 * send them in any order. */
void sk_spec_sort(SK_PB(Sandbox) * sandbox);

/* Validates and fills *out_spec (strings copied into `arena`, which is the
 * record's); finds everything that is wrong, in fields below `top`. tenant: whose it is,
 * and so whose sandboxes it reaches. The message must be sorted;
 * absent defaults that clients see again (the image) are filled into it, and
 * the contents of files are moved out of it.
 * When `check` is clean afterwards *out_spec is complete, its echo included:
 * a packed Sandbox with spec and display_name. */
void sk_spec_decode(SK_PB(Sandbox) * sandbox, const struct sk_path *top, const struct sk_node_config *node,
                    const char *tenant, struct sk_arena *arena, struct sk_spec *out_spec,
                    struct sk_check *check);

#endif
