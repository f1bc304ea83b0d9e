/* vet.h: which addresses a host name from outside may stand for. The ranges
 * are those of IANA's registries of special-purpose addresses
 * (iana-ipv4-special-registry, iana-ipv6-special-registry; RFC 6890), and the
 * places where clouds answer questions about the machine.
 *
 * IPv4 in IPv6 clothes (mapped, NAT64's well-known and local prefixes, 6to4)
 * is judged as IPv4. A network's own NAT64 prefix cannot be told from any
 * other network.
 *
 * Threads: any. */
#ifndef SK_REGISTRY_VET_H
#define SK_REGISTRY_VET_H

#include <stdbool.h>
#include <sys/socket.h>

enum sk_vet {
    SK_VET_PUBLIC,
    SK_VET_INTERNAL,  /* loopback, private, shared, documentation */
    SK_VET_FORBIDDEN, /* unspecified, link-local, multicast, reserved, metadata; not an internet address */
};

/* Pure. */
enum sk_vet sk_vet_address(const struct sockaddr *address, socklen_t len);
/* Whether it is one of this machine's own now; also when the system does not say. */
bool sk_vet_is_own(const struct sockaddr *address, socklen_t len);

#endif
