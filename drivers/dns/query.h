/* query.h: one question of an asker's, from the bytes to the answer. */
#ifndef SK_DNS_QUERY_H
#define SK_DNS_QUERY_H

#include "drivers/dns/peer.h"
#include "loop/done.h"
#include "net/dns_message.h"

struct sk_dns;
struct sk_dns_connection;
struct sk_dns_udp;

/* The way back. */
struct sk_dns_path {
    struct sk_dns_udp *udp;
    struct sk_dns_connection *connection; /* if not NULL, by that */
    struct sk_dns_peer asker;
};

/* May be answered at once, along the path. */
void sk_dns_query_take(struct sk_dns *dns, const struct sk_dns_path *path, const uint8_t *data, size_t len);

/* The queries that came by that connection lose their way back. */
void sk_dns_queries_forget(struct sk_dns *dns, const struct sk_dns_connection *connection);
/* None is answered any more; those that wait for a grant end when it is there. */
void sk_dns_queries_stop(struct sk_dns *dns);

#endif
