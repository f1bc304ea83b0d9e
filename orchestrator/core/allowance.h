/* allowance.h: so many bytes a second, with a second's worth at once. Pure. */
#ifndef SK_CORE_ALLOWANCE_H
#define SK_CORE_ALLOWANCE_H

#include "base/clock.h"

struct sk_allowance {
    int64_t rate; /* bytes a second; 0 = no limit */
    int64_t left; /* below 0: spent ahead */
    struct sk_instant at;
};

void sk_allowance_init(struct sk_allowance *allowance, int64_t rate, struct sk_instant now);
/* Spends; how long to wait before the next byte. */
struct sk_duration sk_allowance_spend(struct sk_allowance *allowance, int64_t bytes, struct sk_instant now);

#endif
