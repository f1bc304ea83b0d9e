#include "drivers/registry/vet.h"

#include "base/own.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint8_t bytes[16];
    unsigned bits;
    enum sk_vet verdict;
};

/* The first that fits counts. */
static const struct range ranges4[] = {
    {{0}, 8, SK_VET_FORBIDDEN}, /* "this network"; 0.0.0.0 leads to loopback */
    {{10}, 8, SK_VET_INTERNAL},
    {{100, 100, 100, 200}, 32, SK_VET_FORBIDDEN}, /* Alibaba's metadata */
    {{100, 64}, 10, SK_VET_INTERNAL},             /* shared by carriers */
    {{127}, 8, SK_VET_INTERNAL},
    {{168, 63, 129, 16}, 32, SK_VET_FORBIDDEN}, /* Azure's host, from every guest */
    {{169, 254}, 16, SK_VET_FORBIDDEN},         /* link-local, and most clouds' metadata */
    {{172, 16}, 12, SK_VET_INTERNAL},
    {{192, 0, 0}, 24, SK_VET_FORBIDDEN}, /* protocol assignments; Oracle's metadata */
    {{192, 0, 2}, 24, SK_VET_INTERNAL},  /* documentation, as the two below */
    {{192, 88, 99}, 24, SK_VET_FORBIDDEN},
    {{192, 168}, 16, SK_VET_INTERNAL},
    {{198, 18}, 15, SK_VET_INTERNAL}, /* benchmarks */
    {{198, 51, 100}, 24, SK_VET_INTERNAL},
    {{203, 0, 113}, 24, SK_VET_INTERNAL},
    {{224}, 3, SK_VET_FORBIDDEN}, /* multicast, reserved, broadcast */
};

/* After what is IPv4 in truth was taken out. */
static const struct range ranges6[] = {
    {{[15] = 1}, 128, SK_VET_INTERNAL},
    {{0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, 0x54}, 128, SK_VET_FORBIDDEN}, /* Amazon's metadata */
    {{0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, 0x54}, 128, SK_VET_FORBIDDEN}, /* Google's metadata */
    {{0xFC}, 7, SK_VET_INTERNAL},
    {{0xFE, 0xC0}, 10, SK_VET_INTERNAL},             /* site-local, of old */
    {{0x20, 0x01}, 23, SK_VET_FORBIDDEN},            /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0D, 0xB8}, 32, SK_VET_INTERNAL}, /* documentation, as below */
    {{0x3F, 0xFF}, 20, SK_VET_INTERNAL},
    {{0x20}, 3, SK_VET_PUBLIC},
    {{0}, 0, SK_VET_FORBIDDEN}, /* all else is no global unicast */
};

/* Prefixes behind which an IPv4 address stands. */
static const struct wrapping {
    struct range range;
    unsigned at;          /* where, in bytes */
    enum sk_vet at_least; /* however public the IPv4 address is */
} wrappings[] = {
    {{{[10] = 0xFF, 0xFF}, 96}, 12, SK_VET_PUBLIC},
    {{{0x00, 0x64, 0xFF, 0x9B}, 96}, 12, SK_VET_PUBLIC},
    {{{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48}, 12, SK_VET_INTERNAL},
    {{{0x20, 0x02}, 16}, 2, SK_VET_PUBLIC},
};

/* An address without its clothes. */
struct bare {
    uint8_t bytes[16];
    unsigned len; /* 4, 16, or 0 = not an internet address */
    enum sk_vet at_least;
};

static bool is_in(const uint8_t *bytes, const struct range *range)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(bytes, range->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static struct bare bare_of(const struct sockaddr *address, socklen_t len)
{
    struct bare bare = {.at_least = SK_VET_PUBLIC};
    if (len >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        memcpy(bare.bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
        bare.len = 4;
    }
    if (len < sizeof(struct sockaddr_in6) || address->sa_family != AF_INET6)
        return bare;
    memcpy(bare.bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), 16);
    bare.len = 16;
    for (size_t i = 0; i < sk_array_len(wrappings); i++) {
        if (!is_in(bare.bytes, &wrappings[i].range))
            continue;
        memmove(bare.bytes, bare.bytes + wrappings[i].at, 4);
        bare.len = 4;
        bare.at_least = wrappings[i].at_least;
        break;
    }
    return bare;
}

static enum sk_vet judge(const uint8_t *bytes, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in(bytes, &ranges[i]))
            return ranges[i].verdict;
    }
    return SK_VET_PUBLIC;
}

enum sk_vet sk_vet_address(const struct sockaddr *address, socklen_t len)
{
    struct bare bare = bare_of(address, len);
    if (bare.len == 0)
        return SK_VET_FORBIDDEN;
    enum sk_vet verdict = bare.len == 4 ? judge(bare.bytes, ranges4, sk_array_len(ranges4))
                                        : judge(bare.bytes, ranges6, sk_array_len(ranges6));
    return verdict > bare.at_least ? verdict : bare.at_least;
}

static bool is_same(const struct bare *bare, const struct sockaddr *own)
{
    if (!own || (own->sa_family != AF_INET && own->sa_family != AF_INET6))
        return false;
    struct bare other =
        bare_of(own, own->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    return other.len == bare->len && memcmp(other.bytes, bare->bytes, bare->len) == 0;
}

bool sk_vet_is_own(const struct sockaddr *address, socklen_t len)
{
    struct ifaddrs *all;
    struct bare bare = bare_of(address, len);
    bool own = false;
    if (getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *at = all; at && !own; at = at->ifa_next)
        own = is_same(&bare, at->ifa_addr);
    freeifaddrs(all);
    return own;
}
