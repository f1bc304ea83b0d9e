/* dns_message.h: DNS messages as a forwarder needs them (RFC 1035 section 4,
 * RFC 6891 for EDNS). Pure. Questions come from sandboxes, answers from
 * resolvers; both are hostile: lengths, counts and compression pointers are
 * checked, pointers only lead backwards, and nothing is read twice without end. */
#ifndef SK_NET_DNS_MESSAGE_H
#define SK_NET_DNS_MESSAGE_H

#include "net/domain.h"
#include "net/ip.h"

#define SK_DNS_UDP_MAX       1232 /* bytes of a datagram of ours (RFC 9715) */
#define SK_DNS_TCP_MAX       65535
#define SK_DNS_ADDRESSES_MAX 64 /* of one answer; further ones are left out of it */

enum sk_dns_type { SK_DNS_A = 1, SK_DNS_CNAME = 5, SK_DNS_AAAA = 28, SK_DNS_SVCB = 64, SK_DNS_HTTPS = 65 };

enum sk_dns_rcode {
    SK_DNS_NOERROR = 0,
    SK_DNS_FORMERR = 1,
    SK_DNS_SERVFAIL = 2,
    SK_DNS_NXDOMAIN = 3,
    SK_DNS_NOTIMP = 4,
    SK_DNS_REFUSED = 5
};

struct sk_dns_question {
    uint16_t id;
    char name[SK_DOMAIN_MAX]; /* normalised, but the last label may be a number; "" = the root */
    /* The same in the letters of the asker, who may know its answers by them; "" = as name. */
    char as_asked[SK_DOMAIN_MAX];
    uint16_t type; /* 0 = unknown: an answer is a header alone */
    bool recursion_desired;
    uint16_t udp_size; /* what the asker takes; 512 without EDNS, at most SK_DNS_UDP_MAX */
    bool has_edns;
};

/* One standard query with one question of class IN. Errors: SK_INVALID_ARGUMENT (not to be answered at all),
 * SK_UNIMPLEMENTED (well-formed, but not a query of that kind: of out_question the id and recursion_desired
 * are set, the rest is 0; answer NOTIMP). */
SK_MUST_CHECK enum sk_code sk_dns_read_question(const uint8_t *data, size_t len,
                                                struct sk_dns_question *out_question, struct sk_err *err);
/* Whether it is for A or AAAA; whatever the answer to others says, nothing of it is passed on. */
bool sk_dns_asks_for_addresses(const struct sk_dns_question *question);
/* The same question for a resolver, under another id, with EDNS of SK_DNS_UDP_MAX. */
size_t sk_dns_write_question(const struct sk_dns_question *question, uint16_t id, uint8_t out[512]);

struct sk_dns_answer {
    enum sk_dns_rcode rcode;
    bool truncated; /* ask again by TCP */
    /* A and AAAA records at the end of the chain of CNAMEs that begins at the question's name. */
    struct sk_dns_address {
        struct sk_ip ip;
        uint32_t ttl_s; /* the least along the chain */
    } addresses[SK_DNS_ADDRESSES_MAX];
    size_t address_count;
    uint32_t negative_ttl_s; /* from the SOA, when there is no address; 0 = not said */
};

/* A resolver's answer to `question`, asked under `id`. Records that do not belong to the chain are ignored.
 * Errors: SK_INVALID_ARGUMENT (not this answer, or not well-formed). */
SK_MUST_CHECK enum sk_code sk_dns_read_answer(const uint8_t *data, size_t len, uint16_t id,
                                              const struct sk_dns_question *question,
                                              struct sk_dns_answer *out_answer, struct sk_err *err);

/* What the sandbox is told: addresses under the question's own name (no chain), made here and never copied
 * from a resolver; cut with TC set when longer than `max`. Returns the length; 0 when `max` holds not even
 * the question. */
size_t sk_dns_write_answer(const struct sk_dns_question *question, const struct sk_dns_answer *answer,
                           uint8_t *out, size_t max);

#endif
