/* viewer.h: what a W&B server answers who asks it by GraphQL who they are. Pure. */
#ifndef SK_WANDB_VIEWER_H
#define SK_WANDB_VIEWER_H

#include "drivers/verifier.h"

/* The request's body. */
#define SK_VIEWER_QUERY                                                                                      \
    "{\"query\":\"query Viewer { viewer { username entity teams { edges { node { name } } } } }\"}"

/* Appends to the empty *out: the holder's own entity and name, and their teams. Errors: SK_UNAUTHENTICATED
 * (nobody: the key is unknown), SK_UNAVAILABLE (not such an answer, or one that tells of errors: what is null
 * in it may be so because of them, as the specification of GraphQL, 6.4.4, has it). */
SK_MUST_CHECK enum sk_code sk_viewer_parse(const uint8_t *body, size_t len, struct sk_verified *out,
                                           struct sk_err *err);

#endif
