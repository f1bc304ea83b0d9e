#include "drivers/dns/asker.h"

enum { BURST_S = 2, LOOKED_AT = 4 };

void sk_dns_askers_init(struct sk_dns_askers *askers, unsigned rate)
{
    askers->rate = rate;
    sk_map_init(&askers->by_ip);
    sk_list_init(&askers->list);
}

static void forget(struct sk_dns_askers *askers, struct sk_dns_asker *asker)
{
    sk_map_remove(&askers->by_ip, &asker->by_ip);
    sk_list_remove(&asker->link);
    free(asker);
}

void sk_dns_askers_fini(struct sk_dns_askers *askers)
{
    sk_list_each(&askers->list, node) forget(askers, sk_list_entry(node, struct sk_dns_asker, link));
    sk_map_fini(&askers->by_ip);
}

static void touch(struct sk_dns_askers *askers, struct sk_dns_asker *asker)
{
    sk_list_remove(&asker->link);
    sk_list_append(&askers->list, &asker->link);
}

static bool is_past(const struct sk_dns_asker *asker, struct sk_instant now)
{
    return !asker->questions && !asker->connections && asker->paid_until.ns <= now.ns &&
           asker->quiet_until.ns <= now.ns;
}

/* A few of those who have been silent longest: more than the one that comes instead. */
static void forget_some(struct sk_dns_askers *askers, struct sk_instant now)
{
    for (int i = 0; i < LOOKED_AT && !sk_list_is_empty(&askers->list); i++) {
        struct sk_dns_asker *asker = sk_list_entry(askers->list.next, struct sk_dns_asker, link);
        if (is_past(asker, now))
            forget(askers, asker);
        else
            touch(askers, asker);
    }
}

struct sk_dns_asker *sk_dns_askers_get(struct sk_dns_askers *askers, const struct sk_ip *ip,
                                       struct sk_instant now)
{
    char text[SK_IP_TEXT_MAX];
    sk_ip_print(ip, text);
    struct sk_map_node *node = sk_map_find(&askers->by_ip, text);
    struct sk_dns_asker *asker = node ? sk_map_entry(node, struct sk_dns_asker, by_ip) : NULL;
    if (!asker) {
        forget_some(askers, now);
        asker = sk_alloc(sizeof(*asker));
        asker->ip = *ip;
        (void)snprintf(asker->text, sizeof(asker->text), "%s", text);
        sk_map_add(&askers->by_ip, &asker->by_ip, asker->text);
    }
    touch(askers, asker);
    return asker;
}

bool sk_dns_asker_may_ask(struct sk_dns_asker *asker, const struct sk_dns_askers *askers,
                          struct sk_instant now)
{
    int64_t share = SK_SEC(1).ns / askers->rate;
    int64_t from = asker->paid_until.ns > now.ns ? asker->paid_until.ns : now.ns;
    if (from + share > now.ns + SK_SEC(BURST_S).ns)
        return false;
    asker->paid_until.ns = from + share;
    return true;
}

bool sk_dns_asker_may_complain(struct sk_dns_asker *asker, struct sk_instant now)
{
    if (asker->quiet_until.ns > now.ns)
        return false;
    asker->quiet_until = sk_instant_add(now, SK_SEC(1));
    return true;
}
