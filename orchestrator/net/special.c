#include "net/special.h"

#include <assert.h>

/* clang-format off */
#define V4(bits, ...) {{false, {__VA_ARGS__}}, (bits)}
#define V6(bits, ...) {{true, {__VA_ARGS__}}, (bits)}
/* clang-format on */

/* The first that has the address counts. */
static const struct range {
    struct sk_cidr block;
    enum sk_ip_kind kind;
} ranges[] = {
    {V4(8, 0), SK_IP_UNSPECIFIED}, /* "this network"; 0.0.0.0 leads to loopback */
    {V4(8, 10), SK_IP_PRIVATE},
    {V4(32, 100, 100, 100, 200), SK_IP_METADATA}, /* Alibaba */
    {V4(10, 100, 64), SK_IP_SHARED},
    {V4(8, 127), SK_IP_LOOPBACK},
    {V4(32, 168, 63, 129, 16), SK_IP_METADATA},   /* Azure's host, from every guest */
    {V4(32, 169, 254, 169, 254), SK_IP_METADATA}, /* most clouds */
    {V4(32, 169, 254, 170, 2), SK_IP_METADATA},   /* Amazon's credentials of containers */
    {V4(32, 169, 254, 170, 23), SK_IP_METADATA},  /* and of pods */
    {V4(16, 169, 254), SK_IP_LINK_LOCAL},
    {V4(12, 172, 16), SK_IP_PRIVATE},
    {V4(32, 192, 0, 0, 192), SK_IP_METADATA}, /* Oracle */
    {V4(24, 192, 0, 0), SK_IP_RESERVED},      /* protocol assignments */
    {V4(24, 192, 0, 2), SK_IP_EXAMPLE},
    {V4(24, 192, 88, 99), SK_IP_TUNNEL}, /* 6to4's relays */
    {V4(16, 192, 168), SK_IP_PRIVATE},
    {V4(15, 198, 18), SK_IP_EXAMPLE}, /* benchmarks */
    {V4(24, 198, 51, 100), SK_IP_EXAMPLE},
    {V4(24, 203, 0, 113), SK_IP_EXAMPLE},
    {V4(4, 224), SK_IP_MULTICAST},
    {V4(32, 255, 255, 255, 255), SK_IP_BROADCAST},
    {V4(4, 240), SK_IP_RESERVED},
    {V4(0, 0), SK_IP_GLOBAL},

    {V6(128, 0), SK_IP_UNSPECIFIED},
    {V6(128, [15] = 1), SK_IP_LOOPBACK},
    {V6(128, 0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, 0x54), SK_IP_METADATA}, /* Amazon */
    {V6(128, 0xFD, 0x00, 0x0E, 0xC2, [15] = 0x23), SK_IP_METADATA},       /* its credentials of pods */
    {V6(128, 0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, 0x54), SK_IP_METADATA}, /* Google */
    {V6(128, 0xFD, 0x00, 0x00, 0xC1, [12] = 0xA9, 0xFE, 0xA9, 0xFE), SK_IP_METADATA}, /* Oracle */
    {V6(128, 0xFD, 0x00, 0x00, 0x42, [15] = 0x42), SK_IP_METADATA},                   /* Scaleway */
    {V6(128, 0xFE, 0x80, [12] = 0xA9, 0xFE, 0xA9, 0xFE), SK_IP_METADATA},             /* OpenStack */
    {V6(7, 0xFC), SK_IP_PRIVATE},
    {V6(10, 0xFE, 0x80), SK_IP_LINK_LOCAL},
    {V6(10, 0xFE, 0xC0), SK_IP_PRIVATE}, /* site-local, of old */
    {V6(8, 0xFF), SK_IP_MULTICAST},
    {V6(32, 0x20, 0x01), SK_IP_TUNNEL},   /* Teredo */
    {V6(23, 0x20, 0x01), SK_IP_RESERVED}, /* protocol assignments */
    {V6(32, 0x20, 0x01, 0x0D, 0xB8), SK_IP_EXAMPLE},
    {V6(20, 0x3F, 0xFF), SK_IP_EXAMPLE},
    {V6(3, 0x20), SK_IP_GLOBAL},
    {V6(0, 0), SK_IP_RESERVED}, /* all else is no global unicast */
};

/* Prefixes behind which an IPv4 address stands; the mapped one is known to ip.c. */
static const struct wrapping {
    struct sk_cidr block;
    unsigned at;   /* where, in bytes */
    bool is_local; /* however public the IPv4 address is, the way to it is this network's own */
} wrappings[] = {
    {V6(96, 0x00, 0x64, 0xFF, 0x9B), 12, false},            /* NAT64 */
    {V6(48, 0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01), 12, true}, /* the same, of local use */
    {V6(16, 0x20, 0x02), 2, false},                         /* 6to4 */
};

static const struct wrapping *find_wrapping(const struct sk_ip *ip)
{
    for (size_t i = 0; i < sk_array_len(wrappings); i++) {
        if (sk_cidr_has(&wrappings[i].block, ip))
            return &wrappings[i];
    }
    return NULL;
}

static enum sk_ip_kind look_up(const struct sk_ip *ip)
{
    const struct range *range = ranges;
    while (!sk_cidr_has(&range->block, ip)) /* the last of each family has every address */
        range++;
    return range->kind;
}

struct sk_ip sk_ip_inner(const struct sk_ip *ip)
{
    const struct wrapping *wrapping = find_wrapping(ip);
    return wrapping ? sk_ip_from_bytes(ip->bytes + wrapping->at, false) : *ip;
}

enum sk_ip_kind sk_ip_kind_of(const struct sk_ip *ip)
{
    const struct wrapping *wrapping = find_wrapping(ip);
    struct sk_ip inner = sk_ip_inner(ip);
    enum sk_ip_kind kind = look_up(&inner);
    return kind == SK_IP_GLOBAL && wrapping && wrapping->is_local ? SK_IP_PRIVATE : kind;
}

const char *sk_ip_kind_name(enum sk_ip_kind kind)
{
    static const char *const names[] = {
        [SK_IP_GLOBAL] = "global",         [SK_IP_PRIVATE] = "private",   [SK_IP_SHARED] = "shared",
        [SK_IP_EXAMPLE] = "documentation", [SK_IP_LOOPBACK] = "loopback", [SK_IP_UNSPECIFIED] = "unspecified",
        [SK_IP_LINK_LOCAL] = "link-local", [SK_IP_METADATA] = "metadata", [SK_IP_MULTICAST] = "multicast",
        [SK_IP_BROADCAST] = "broadcast",   [SK_IP_TUNNEL] = "tunnel",     [SK_IP_RESERVED] = "reserved",
    };
    assert((size_t)kind < sk_array_len(names));
    return names[kind];
}

bool sk_ip_kind_is_closed(enum sk_ip_kind kind)
{
    return kind >= SK_IP_LOOPBACK;
}

bool sk_ip_is_special(const struct sk_ip *ip, const char **out_name)
{
    enum sk_ip_kind kind = sk_ip_kind_of(ip);
    if (kind == SK_IP_GLOBAL)
        return false;
    if (out_name)
        *out_name = sk_ip_kind_name(kind);
    return true;
}

bool sk_ip_special_nth(size_t index, struct sk_cidr *out_block, enum sk_ip_kind *out_kind)
{
    if (index >= sk_array_len(ranges))
        return false;
    *out_block = ranges[index].block;
    *out_kind = ranges[index].kind;
    return true;
}
