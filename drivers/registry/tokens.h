/* tokens.h: tokens on their way: one question at a token server, however many
 * requests wait for the same token. What it grants is noted (grant.h) before
 * they are told. */
#ifndef SK_REGISTRY_TOKENS_H
#define SK_REGISTRY_TOKENS_H

#include "drivers/registry/auth.h"
#include "loop/flight.h"

struct sk_registry;

/* What is asked, and what the token counts for. */
struct sk_token_ask {
    struct sk_auth_ask auth; /* borrowed, with all it points to, while there is somebody who waits with it */
    struct sk_url server;
    char *grant_key; /* heap */
};

/* One who waits: all in registry->tokens are of this kind. The caller's, zeroed but for `over`. */
struct sk_token_waiter {
    /* In a callback of the loop, at most once; err NULL: the grant is there. outcome: for retry.h. */
    void (*over)(struct sk_token_waiter *waiter, const struct sk_err *err, const struct sk_outcome *outcome);

    struct sk_waiter waiter;
    struct sk_done came;
    struct sk_registry *registry;
    struct sk_token_ask ask;
    struct sk_outcome outcome;
    bool is_waiting, has_left;
};

/* ask_take: its server and grant_key. */
void sk_token_wait(struct sk_token_waiter *waiter, struct sk_registry *registry,
                   struct sk_token_ask *ask_take);
/* Over is not called afterwards; the waiter must stay until what is deferred now has run. Harmless when it
 * does not wait. */
void sk_token_leave(struct sk_token_waiter *waiter);

#endif
