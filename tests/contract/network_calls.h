/* network_calls.h: the calls of the network contract, each waited for. */
#ifndef SK_CONTRACT_NETWORK_CALLS_H
#define SK_CONTRACT_NETWORK_CALLS_H

#include "drivers/network.h"
#include "support/wait.h"

#include <string.h>

struct network_suite {
    struct sk_loop *loop;
    struct sk_network *network;
    void *arg;
    size_t addresses; /* of the pool */
    /* As if the daemon had been killed, and started again. */
    void (*restart)(struct network_suite *s);
};

/* --- each call, waited for -------------------------------------------------------- */

static inline enum sk_code attach(struct network_suite *s, const char *id, bool closed,
                                  struct sk_network_place *out)
{
    struct sk_wait w;
    *out = (struct sk_network_place){0};
    sk_wait_init(&w, s->loop);
    s->network->ops->attach(s->network, id, closed, out, &w.done);
    return sk_wait(&w);
}

static inline enum sk_code detach(struct network_suite *s, const char *id)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->network->ops->detach(s->network, id, &w.done);
    return sk_wait(&w);
}

static inline enum sk_code read_counts(struct network_suite *s, const char *id, struct sk_network_counts *out)
{
    struct sk_wait w;
    *out = (struct sk_network_counts){0};
    sk_wait_init(&w, s->loop);
    s->network->ops->counts(s->network, id, out, &w.done);
    return sk_wait(&w);
}

static inline enum sk_code apply(struct network_suite *s, const char *id, const struct sk_net_policy *policy)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->network->ops->apply(s->network, id, policy, &w.done);
    return sk_wait(&w);
}

static inline enum sk_code grant_as(struct network_suite *s, const char *id, const char *name, const char *ip,
                                    uint32_t lifetime_s)
{
    struct sk_network_grant one = {.lifetime_s = lifetime_s};
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    if (sk_ip_parse(ip, &one.ip, NULL) != SK_OK)
        return SK_INTERNAL;
    s->network->ops->grant(s->network, id, name, &one, 1, &w.done);
    return sk_wait(&w);
}

static inline enum sk_code grant(struct network_suite *s, const char *id, const char *ip, uint32_t lifetime_s)
{
    return grant_as(s, id, "example.com", ip, lifetime_s);
}

/* How often the id is in the list. */
static inline size_t count_litter(struct network_suite *s, const char *id)
{
    struct sk_litter_list list = {0};
    struct sk_wait w;
    size_t count = 0;
    sk_wait_init(&w, s->loop);
    s->network->ops->list_litter(s->network, &list, &w.done);
    if (sk_wait(&w) != SK_OK)
        return SIZE_MAX;
    for (size_t i = 0; i < list.len; i++)
        count += strcmp(list.items[i].name, id) == 0;
    free(list.items);
    return count;
}

static inline enum sk_code remove_litter(struct network_suite *s, const char *id)
{
    struct sk_litter litter = {.kind = "network namespace"};
    struct sk_wait w;
    (void)snprintf(litter.name, sizeof(litter.name), "%s", id);
    sk_wait_init(&w, s->loop);
    s->network->ops->remove_litter(s->network, &litter, &w.done);
    return sk_wait(&w);
}

#endif
