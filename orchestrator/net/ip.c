#include "net/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xFF, 0xFF};

static unsigned width_of(const struct sk_ip *ip)
{
    return ip->is_v6 ? 128 : 32;
}

static bool is_mapped(const uint8_t *bytes)
{
    return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

struct sk_ip sk_ip_from_bytes(const uint8_t *bytes, bool is_v6)
{
    struct sk_ip ip = {0};
    if (is_v6 && is_mapped(bytes)) {
        memcpy(ip.bytes, bytes + sizeof(mapped), 4);
        return ip;
    }
    ip.is_v6 = is_v6;
    memcpy(ip.bytes, bytes, is_v6 ? 16 : 4);
    return ip;
}

/* Into the bytes as they were written; out_is_v6 says how many. */
static bool read_bytes(const char *text, uint8_t bytes[16], bool *out_is_v6)
{
    *out_is_v6 = strchr(text, ':') != NULL;
    return inet_pton(*out_is_v6 ? AF_INET6 : AF_INET, text, bytes) == 1;
}

enum sk_code sk_ip_parse(const char *text, struct sk_ip *out_ip, struct sk_err *err)
{
    uint8_t bytes[16];
    bool is_v6;
    if (!read_bytes(text, bytes, &is_v6))
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.60s\" is not an IP address", text);
    *out_ip = sk_ip_from_bytes(bytes, is_v6);
    return SK_OK;
}

void sk_ip_print(const struct sk_ip *ip, char out[SK_IP_TEXT_MAX])
{
    const char *text = inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->bytes, out, SK_IP_TEXT_MAX);
    assert(text);
    (void)text;
}

bool sk_ip_equal(const struct sk_ip *a, const struct sk_ip *b)
{
    return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Digits alone, none of them needless; UINT_MAX for anything else. */
static unsigned read_prefix(const char *text)
{
    unsigned number = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 3 || (len > 1 && *text == '0'))
        return UINT32_MAX;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return UINT32_MAX;
        number = number * 10 + (unsigned)(*text - '0');
    }
    return number;
}

/* Sets the bits behind the prefix to `one`. */
static void fill(struct sk_ip *ip, unsigned prefix, bool one)
{
    for (unsigned i = prefix; i < width_of(ip); i++) {
        uint8_t bit = (uint8_t)(0x80u >> i % 8);
        ip->bytes[i / 8] = (uint8_t)(one ? ip->bytes[i / 8] | bit : ip->bytes[i / 8] & ~bit);
    }
}

static bool is_base(const struct sk_ip *ip, unsigned prefix)
{
    struct sk_ip base = *ip;
    fill(&base, prefix, false);
    return sk_ip_equal(&base, ip);
}

/* `prefix` counts in the family of the text. */
static const char *make_cidr(const uint8_t bytes[16], bool is_v6, unsigned prefix, struct sk_cidr *out)
{
    struct sk_ip base = sk_ip_from_bytes(bytes, is_v6);
    if (prefix > (is_v6 ? 128 : 32))
        return "its prefix is not a number of bits of its address";
    if (is_v6 && !base.is_v6) {
        if (prefix < 96) /* the block has no mapped base, so bits of this one lie behind the prefix */
            return "bits are set behind its prefix";
        prefix -= 96;
    }
    if (!is_base(&base, prefix))
        return "bits are set behind its prefix";
    *out = (struct sk_cidr){base, (uint8_t)prefix};
    return NULL;
}

enum sk_code sk_cidr_parse(const char *text, struct sk_cidr *out_cidr, struct sk_err *err)
{
    char address[SK_CIDR_TEXT_MAX];
    uint8_t bytes[16];
    bool is_v6;
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    const char *fault = "its address is not an IP address";
    if (len < sizeof(address)) {
        memcpy(address, text, len);
        address[len] = '\0';
        if (read_bytes(address, bytes, &is_v6))
            fault = make_cidr(bytes, is_v6, slash ? read_prefix(slash + 1) : is_v6 ? 128 : 32, out_cidr);
    }
    if (fault)
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.60s\" is not a block of addresses: %s", text, fault);
    return SK_OK;
}

void sk_cidr_print(const struct sk_cidr *cidr, char out[SK_CIDR_TEXT_MAX])
{
    char base[SK_IP_TEXT_MAX];
    sk_ip_print(&cidr->base, base);
    (void)snprintf(out, SK_CIDR_TEXT_MAX, "%s/%u", base, cidr->prefix);
}

bool sk_cidr_has(const struct sk_cidr *cidr, const struct sk_ip *ip)
{
    unsigned whole = cidr->prefix / 8u, rest = cidr->prefix % 8u;
    if (cidr->base.is_v6 != ip->is_v6 || memcmp(cidr->base.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (cidr->base.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool sk_cidr_covers(const struct sk_cidr *outer, const struct sk_cidr *inner)
{
    return outer->prefix <= inner->prefix && sk_cidr_has(outer, &inner->base);
}

bool sk_cidr_nth(const struct sk_cidr *cidr, uint64_t index, struct sk_ip *out_ip)
{
    unsigned width = width_of(&cidr->base), free_bits = width - cidr->prefix;
    struct sk_ip ip = cidr->base;
    if (free_bits < 64 && index >> free_bits != 0)
        return false;
    /* No carry: the base's bits are 0 where the index has any. */
    for (unsigned at = width / 8; index != 0; index >>= 8) {
        at--;
        ip.bytes[at] = (uint8_t)(ip.bytes[at] | (index & 0xFF));
    }
    *out_ip = ip;
    return true;
}

void sk_cidr_bounds(const struct sk_cidr *cidr, struct sk_ip *out_first, struct sk_ip *out_last)
{
    *out_first = cidr->base;
    *out_last = cidr->base;
    fill(out_last, cidr->prefix, true);
}
