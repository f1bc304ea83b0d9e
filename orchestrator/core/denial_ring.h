/* denial_ring.h: what did not pass to or from one sandbox: the newest are
 * remembered, and a few of them are logged; a program that knocks at every
 * door must not fill the disk with it. */
#ifndef SK_CORE_DENIAL_RING_H
#define SK_CORE_DENIAL_RING_H

#include "base/log.h"
#include "core/network.h"

/* A zeroed one is empty. */
struct sk_denial_ring {
    struct sk_denial_entry *entries; /* heap; NULL until there is one */
    size_t count, next;
    struct sk_instant since; /* the lines of a while are counted */
    unsigned lines;
    uint64_t unsaid; /* since the last line */
};

void sk_denial_ring_fini(struct sk_denial_ring *ring);
/* Copied. log may be NULL. */
void sk_denial_ring_add(struct sk_denial_ring *ring, const struct sk_network_denial *denial,
                        const struct sk_log *log, struct sk_instant now);
/* The newest first; how many. */
size_t sk_denial_ring_copy(const struct sk_denial_ring *ring,
                           struct sk_network_denial out[SK_NETWORK_DENIALS]);

#endif
