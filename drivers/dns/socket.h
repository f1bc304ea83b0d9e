/* socket.h: sockets at addresses that questions come to. */
#ifndef SK_DNS_SOCKET_H
#define SK_DNS_SOCKET_H

#include "drivers/dns/dns.h"
#include "drivers/dns/peer.h"

/* Bound, close-on-exec, non-blocking, for that family alone; also where the machine does not have the address
 * yet. type: SOCK_DGRAM or SOCK_STREAM. Errors: by cause. */
SK_MUST_CHECK enum sk_code sk_dns_socket_bind(const struct sk_dns_options *options,
                                              const struct sk_dns_peer *at, int type, int *out_fd,
                                              struct sk_err *err);

#endif
