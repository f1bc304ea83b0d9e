/* tcp.h: one address that questions come to by TCP. */
#ifndef SK_DNS_TCP_H
#define SK_DNS_TCP_H

#include "drivers/dns/impl.h"

struct sk_dns_tcp {
    struct sk_dns *dns;
    struct sk_list link;
    int fd;
    struct sk_watch *watch;
    struct sk_timer pause;
};

SK_MUST_CHECK enum sk_code sk_dns_tcp_open(struct sk_dns *dns, const struct sk_dns_options *options,
                                           const struct sk_dns_peer *at, struct sk_err *err);
/* Connections that came by it stay. */
void sk_dns_tcp_close(struct sk_dns_tcp *tcp);

#endif
