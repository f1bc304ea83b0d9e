/* DNS messages as questions and as answers: what is taken, written again, is taken again as the same. */
#include "net/dns_message.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so)
{
    if (!so)
        __builtin_trap();
}

static void try_question(const uint8_t *data, size_t size)
{
    struct sk_dns_question once, twice;
    char name[SK_DOMAIN_MAX];
    uint8_t out[512];
    if (sk_dns_read_question(data, size, &once, NULL) != SK_OK)
        return;
    size_t len = sk_dns_write_question(&once, 7, out);
    expect(sk_dns_read_question(out, len, &twice, NULL) == SK_OK);
    expect(strcmp(once.name, twice.name) == 0 && once.type == twice.type && twice.id == 7);
    expect(strcasecmp(once.name, once.as_asked) == 0 && strcmp(twice.as_asked, once.name) == 0);
    expect(once.recursion_desired == twice.recursion_desired);
    expect(once.udp_size >= 512 && once.udp_size <= SK_DNS_UDP_MAX);
    if (sk_domain_normalise(once.name, name, NULL) == SK_OK)
        expect(strcmp(once.name, name) == 0);
}

static void expect_same(const struct sk_dns_answer *a, const struct sk_dns_answer *b)
{
    expect(a->rcode == b->rcode && b->address_count == a->address_count);
    for (size_t i = 0; i < a->address_count; i++) {
        expect(sk_ip_equal(&a->addresses[i].ip, &b->addresses[i].ip));
        expect(a->addresses[i].ttl_s == b->addresses[i].ttl_s);
    }
}

static void try_answer(const uint8_t *data, size_t size, uint16_t type)
{
    struct sk_dns_question question = {.id = 9, .name = "a.example.com", .type = type, .has_edns = true};
    struct sk_dns_answer once, twice;
    uint8_t out[SK_DNS_UDP_MAX * 2];
    uint16_t id = (uint16_t)(data[0] << 8 | data[1]);
    if (sk_dns_read_answer(data, size, id, &question, &once, NULL) != SK_OK)
        return;
    expect(once.address_count <= SK_DNS_ADDRESSES_MAX && (!once.address_count || !once.negative_ttl_s));
    size_t len = sk_dns_write_answer(&question, &once, out, sizeof(out));
    expect(sk_dns_read_answer(out, len, 9, &question, &twice, NULL) == SK_OK);
    expect(once.truncated == twice.truncated);
    expect_same(&once, &twice);
    len = sk_dns_write_answer(&question, &once, out, 60);
    expect(len > 0 && len <= 60);
    expect(sk_dns_read_answer(out, len, 9, &question, &twice, NULL) == SK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = {SK_DNS_A, SK_DNS_AAAA, SK_DNS_HTTPS};
    try_question(data, size);
    for (size_t i = 0; size >= 2 && i < sk_array_len(types); i++)
        try_answer(data, size, types[i]);
    return 0;
}
