/* vet.h: which addresses a host name from outside may stand for, by what they
 * are for (net/special.h).
 *
 * Threads: any. */
#ifndef SK_VET_H
#define SK_VET_H

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
