/* network.h (fake): a network in memory: places are given out as the contract
 * says, policies are remembered, and no packet is ever sent. */
#ifndef SK_FAKE_NETWORK_H
#define SK_FAKE_NETWORK_H

#include "drivers/fake/calls.h"
#include "drivers/network.h"
#include "net/domain.h"

#define SK_FAKE_NETWORK_ADDRESSES 2000

struct sk_fake_network;

/* Heap; one owner. */
struct sk_fake_network *sk_fake_network_new(struct sk_loop *loop);
/* NULL is fine. No call may be under way. */
void sk_fake_network_free(struct sk_fake_network *fake);
struct sk_network *sk_fake_network_base(struct sk_fake_network *fake);
/* Calls are named as in the contract: "network.attach". */
struct sk_fake_calls *sk_fake_network_calls(struct sk_fake_network *fake);

/* What one sandbox has; for tests that look behind the contract. */
struct sk_fake_attached {
    bool is_closed;
    struct sk_network_place place;
    const struct sk_net_policy *policy; /* in force; NULL = none yet */
    const struct sk_fake_granted {
        struct sk_ip ip;
        uint32_t lifetime_s;
        char name[SK_DOMAIN_MAX];
    } * grants; /* of names that the policy in force grants */
    size_t grant_count;
    struct sk_network_counts counts; /* all 0 until sk_fake_network_set_counts */
};
/* NULL = not attached; borrowed until the loop runs. */
const struct sk_fake_attached *sk_fake_network_find(const struct sk_fake_network *fake, const char *id);
size_t sk_fake_network_count(const struct sk_fake_network *fake);
void sk_fake_network_set_counts(struct sk_fake_network *fake, const char *id,
                                const struct sk_network_counts *counts);
/* To whoever listens, at once; not inside a call of the driver. */
void sk_fake_network_tell(struct sk_fake_network *fake, const struct sk_network_event *event);

#endif
