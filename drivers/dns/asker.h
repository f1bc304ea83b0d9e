/* asker.h: whoever asks, by address: how often, and how much of it is under
 * way. Pure; the time is given. */
#ifndef SK_DNS_ASKER_H
#define SK_DNS_ASKER_H

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "net/ip.h"

struct sk_dns_asker {
    struct sk_ip ip;
    size_t questions, connections; /* under way; the owner counts. It stays while there are any */
    char text[SK_IP_TEXT_MAX];
    struct sk_instant paid_until; /* when all its questions have had their share of time */
    struct sk_instant quiet_until;
    struct sk_map_node by_ip;
    struct sk_list link;
};

struct sk_dns_askers {
    unsigned rate; /* questions a second; twice as many at once */
    struct sk_map by_ip;
    struct sk_list list; /* who asked last comes last */
};

void sk_dns_askers_init(struct sk_dns_askers *askers, unsigned rate);
/* No asker has anything under way. */
void sk_dns_askers_fini(struct sk_dns_askers *askers);
/* Never NULL; borrowed until the next call, or as long as it has something under way. Forgets others of whom
 * there is nothing to remember. */
struct sk_dns_asker *sk_dns_askers_get(struct sk_dns_askers *askers, const struct sk_ip *ip,
                                       struct sk_instant now);

/* Whether it may ask one more question; counts it then. */
bool sk_dns_asker_may_ask(struct sk_dns_asker *asker, const struct sk_dns_askers *askers,
                          struct sk_instant now);
/* Whether to complain of it: once a second. */
bool sk_dns_asker_may_complain(struct sk_dns_asker *asker, struct sk_instant now);

#endif
