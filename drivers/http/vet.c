#include "drivers/http/vet.h"

#include "net/special.h"

#include <ifaddrs.h>
#include <netinet/in.h>

/* False: not an internet address. */
static bool ip_of(const struct sockaddr *address, socklen_t len, struct sk_ip *out)
{
    const uint8_t *bytes = (const uint8_t *)address;
    if (len >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET)
        *out = sk_ip_from_bytes(bytes + offsetof(struct sockaddr_in, sin_addr), false);
    else if (len >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6)
        *out = sk_ip_from_bytes(bytes + offsetof(struct sockaddr_in6, sin6_addr), true);
    else
        return false;
    return true;
}

enum sk_vet sk_vet_address(const struct sockaddr *address, socklen_t len)
{
    struct sk_ip ip;
    if (!ip_of(address, len, &ip))
        return SK_VET_FORBIDDEN;
    enum sk_ip_kind kind = sk_ip_kind_of(&ip);
    if (kind == SK_IP_GLOBAL)
        return SK_VET_PUBLIC;
    return kind == SK_IP_LOOPBACK || !sk_ip_kind_is_closed(kind) ? SK_VET_INTERNAL : SK_VET_FORBIDDEN;
}

static bool is_same(const struct sk_ip *inner, const struct sockaddr *own)
{
    struct sk_ip ip;
    if (!own)
        return false;
    socklen_t len = own->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (!ip_of(own, len, &ip))
        return false;
    ip = sk_ip_inner(&ip);
    return sk_ip_equal(&ip, inner);
}

bool sk_vet_is_own(const struct sockaddr *address, socklen_t len)
{
    struct ifaddrs *all;
    struct sk_ip ip;
    bool own = false;
    if (!ip_of(address, len, &ip))
        return false;
    if (getifaddrs(&all) != 0)
        return true;
    ip = sk_ip_inner(&ip);
    for (const struct ifaddrs *at = all; at && !own; at = at->ifa_next)
        own = is_same(&ip, at->ifa_addr);
    freeifaddrs(all);
    return own;
}
