/* verifier.h: the contract of who knows keys that were not made here: another server that says whose they
 * are.
 *
 * Threads: loop only. */
#ifndef SK_DRIVERS_VERIFIER_H
#define SK_DRIVERS_VERIFIER_H

#include "base/arena.h"
#include "loop/done.h"

/* More than these are not looked at. */
#define SK_VERIFIED_ENTITIES_MAX 256

/* What the server says of a key's holder. Zeroed is nothing. */
struct sk_verified {
    struct sk_arena arena;
    const char *entities[SK_VERIFIED_ENTITIES_MAX]; /* that the holder belongs to */
    size_t count;
};

struct sk_verifier;

struct sk_verifier_ops {
    /* The key is only borrowed for the call. done can be cancelled. Errors: SK_UNAUTHENTICATED (the server
     * does not know it), every other: there was no answer. */
    void (*verify)(struct sk_verifier *verifier, const char *key, struct sk_verified *out,
                   struct sk_done *done);
};

struct sk_verifier {
    const struct sk_verifier_ops *ops;
};

#endif
