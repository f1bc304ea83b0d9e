/* share.h: how much of the audit's ring the lines of one tenant's calls take: no less than it is, but for a
 * few bytes a line, and at most what two spans of waiting brought. Reads are held to it, so that they push
 * nobody's lines out while none can be written; what changes things is not.
 *
 * Pure; positions are the ring's, in bytes ever. */
#ifndef SK_AUDIT_SHARE_H
#define SK_AUDIT_SHARE_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed: none. */
struct sk_audit_share {
    uint64_t mark; /* a position; until that is taken, */
    size_t before; /* what was put shortly before it may wait, */
    size_t since;  /* and what was put after it */
};

/* `taken`: the ring's up to there; `put`: where the next line begins. */
void sk_audit_share_add(struct sk_audit_share *share, uint64_t taken, uint64_t put, size_t bytes);
size_t sk_audit_share_waits(struct sk_audit_share *share, uint64_t taken, uint64_t put);

#endif
