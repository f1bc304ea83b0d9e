/* retry.h: what is tried again, and after how long. Pure. */
#ifndef SK_REGISTRY_RETRY_H
#define SK_REGISTRY_RETRY_H

#include "base/clock.h"
#include "base/err.h"

struct sk_retry_policy {
    struct sk_duration first; /* pause; each further one is twice as long … */
    struct sk_duration most;  /* … up to here; chance takes up to half of it away */
    int64_t wait_most_s;      /* a registry that asks for a longer pause is not waited for */
    unsigned tries;           /* of one place, the first included */
    unsigned tries_of_mirror; /* the same, when there is another place to go to */
};

#define SK_RETRY_USUAL                                                                                       \
    ((struct sk_retry_policy){                                                                               \
        .first = SK_MSEC(500), .most = SK_SEC(30), .wait_most_s = 60, .tries = 6, .tries_of_mirror = 3})

/* How a try ended. */
struct sk_outcome {
    enum sk_code code;     /* not SK_OK */
    int status;            /* 0 = no response, or one that broke off */
    int64_t retry_after_s; /* -1 = not said */
};

/* Whether the same place may answer otherwise the next time. */
bool sk_retry_is_worth(const struct sk_outcome *outcome);
/* Whether it asks for a longer pause than we make. */
bool sk_retry_is_too_long(const struct sk_retry_policy *policy, const struct sk_outcome *outcome);

/* The pause after `tries` tries (>= 1) of one place. chance: any number. */
struct sk_duration sk_retry_pause(const struct sk_retry_policy *policy, const struct sk_outcome *outcome,
                                  unsigned tries, uint32_t chance);

#endif
