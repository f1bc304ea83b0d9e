/* peer.h: who is at the other end: an address and a port, as the sockets' own
 * structs and as text. Pure. */
#ifndef SK_DNS_PEER_H
#define SK_DNS_PEER_H

#include "net/ip.h"

#include <sys/socket.h>

struct sk_dns_peer {
    struct sk_ip ip;
    uint16_t port;
};

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"; without a port it is `port`.
 * Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_dns_peer_parse(const char *text, uint16_t port, struct sk_dns_peer *out_peer,
                                             struct sk_err *err);
/* How long it is. */
socklen_t sk_dns_peer_address(const struct sk_dns_peer *peer, struct sockaddr_storage *out);
/* The other way; of another family: all 0. */
struct sk_dns_peer sk_dns_peer_of(const struct sockaddr_storage *address);

#endif
