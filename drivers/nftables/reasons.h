/* reasons.h: why packets are denied: for each reason the table has a chain and
 * a word in its log. Pure. */
#ifndef SK_NFTABLES_REASONS_H
#define SK_NFTABLES_REASONS_H

#include <stdbool.h>
#include <stddef.h>

/* Static; NULL behind the last. */
const char *sk_reason_nth(size_t index);
/* The same word as a static string; NULL = there is no such reason. */
const char *sk_reason_find(const char *word);
/* Whether the sandbox that it is about is the one that the packet goes to. */
bool sk_reason_is_inward(const char *reason);

#endif
