#include "core/allowance.h"

#define SECOND 1000000000

void sk_allowance_init(struct sk_allowance *allowance, int64_t rate, struct sk_instant now)
{
    *allowance = (struct sk_allowance){.rate = rate, .left = rate, .at = now};
}

/* What has become free since the last time, in doubles: the product would not fit, and a byte more or less
 * is nothing. */
static void grant(struct sk_allowance *allowance, struct sk_instant now)
{
    double since = (double)sk_instant_diff(now, allowance->at).ns / SECOND;
    double left = (double)allowance->left + since * (double)allowance->rate;

    allowance->left = left < (double)allowance->rate ? (int64_t)left : allowance->rate;
    allowance->at = now;
}

struct sk_duration sk_allowance_spend(struct sk_allowance *allowance, int64_t bytes, struct sk_instant now)
{
    if (allowance->rate == 0)
        return SK_NS(0);
    grant(allowance, now);
    allowance->left -= bytes;
    if (allowance->left >= 0)
        return SK_NS(0);
    return SK_NS((int64_t)((double)-allowance->left / (double)allowance->rate * SECOND) + 1);
}
