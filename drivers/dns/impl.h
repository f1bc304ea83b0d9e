/* impl.h: what the files of the forwarder share; for this folder only. */
#ifndef SK_DNS_IMPL_H
#define SK_DNS_IMPL_H

#include "drivers/dns/asker.h"
#include "drivers/dns/dns.h"
#include "drivers/dns/screen.h"
#include "drivers/dns/upstreams.h"

#define SK_DNS_QUESTION_MAX 2048 /* bytes of a message from an asker */
#define SK_DNS_ANSWER_MAX   2074 /* of one to it: 64 IPv6 addresses of the longest name */
#define SK_DNS_UDP_LEAST    512  /* what every asker takes */

struct sk_dns {
    struct sk_names base;
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_dns_limits limits;
    struct sk_dns_upstreams upstreams;
    struct sk_dns_screen screen;
    struct sk_dns_askers askers;
    struct sk_names_events events; /* of whoever listens; may_ask is NULL: nobody does */
    void *arg;

    struct sk_list udps, tcps;
    struct sk_list connections; /* the one that has been idle longest is first */
    size_t connection_count;
    struct sk_list queries;
    size_t query_count;
    struct sk_done *closing;
    struct sk_task end;
};

/* A query has ended; the last one ends the forwarder, when that is being closed. */
void sk_dns_settle(struct sk_dns *dns);

static inline bool sk_dns_is_listened_to(const struct sk_dns *dns)
{
    return dns->events.may_ask != NULL;
}

#endif
