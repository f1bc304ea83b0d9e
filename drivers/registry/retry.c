#include "drivers/registry/retry.h"

bool sk_retry_is_worth(const struct sk_outcome *outcome)
{
    switch (outcome->status) {
    case 0:
        return outcome->code == SK_UNAVAILABLE;
    case 408:
    case 429:
        return true;
    case 501:
    case 505:
        return false;
    default:
        return outcome->status >= 500;
    }
}

bool sk_retry_is_too_long(const struct sk_retry_policy *policy, const struct sk_outcome *outcome)
{
    return sk_retry_is_worth(outcome) && outcome->retry_after_s > policy->wait_most_s;
}

struct sk_duration sk_retry_pause(const struct sk_retry_policy *policy, const struct sk_outcome *outcome,
                                  unsigned tries, uint32_t chance)
{
    int64_t ns = policy->first.ns;
    for (unsigned i = 1; i < tries && ns < policy->most.ns; i++)
        ns *= 2;
    if (ns > policy->most.ns)
        ns = policy->most.ns;
    ns -= ns / 2 * (chance % 1024) / 1024;
    /* Never sooner than asked for. */
    int64_t asked = outcome->retry_after_s > 0 ? SK_SEC(outcome->retry_after_s).ns : 0;
    return SK_NS(asked > ns ? asked : ns);
}
