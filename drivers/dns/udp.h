/* udp.h: one address that questions come to by UDP. */
#ifndef SK_DNS_UDP_H
#define SK_DNS_UDP_H

#include "drivers/dns/impl.h"

struct sk_dns_udp {
    struct sk_dns *dns;
    struct sk_list link;
    int fd;
    struct sk_watch *watch;
};

SK_MUST_CHECK enum sk_code sk_dns_udp_open(struct sk_dns *dns, const struct sk_dns_options *options,
                                           const struct sk_dns_peer *at, struct sk_err *err);
void sk_dns_udp_close(struct sk_dns_udp *udp);
/* From that address. What does not go at once is lost, as datagrams are. */
void sk_dns_udp_send(struct sk_dns_udp *udp, const struct sk_dns_peer *to, const uint8_t *data, size_t len);

#endif
