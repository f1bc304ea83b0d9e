/* Answers of resolvers: the other half of dns_message.h. */
#include "net/dns_message.h"

#include "net/dns_wire.h"

#include <string.h>

#define ALIASES_MAX 16

/* What one look through an answer gathers. */
struct gathered {
    struct alias {
        struct sk_dns_name from, to;
        uint32_t ttl_s;
    } aliases[ALIASES_MAX];
    size_t alias_count;
    uint32_t negative_ttl_s;
    unsigned rcode_high;
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* RFC 2181 section 8: with the top bit set it is 0. */
static uint32_t ttl_of(uint32_t ttl)
{
    return ttl > INT32_MAX ? 0 : ttl;
}

/* A reader of the record's data alone; names in it may still point to what stands before. */
static struct sk_dns_reader data_of(const struct sk_dns_reader *r, const struct sk_dns_record *record)
{
    return (struct sk_dns_reader){r->data, record->data_at + record->data_len, record->data_at};
}

static bool take_alias(struct gathered *g, struct sk_dns_reader in, const struct sk_dns_record *record)
{
    if (g->alias_count == ALIASES_MAX)
        return false;
    struct alias *alias = &g->aliases[g->alias_count++];
    alias->from = record->owner;
    alias->ttl_s = ttl_of(record->ttl);
    return sk_dns_read_name(&in, &alias->to) && in.at == in.len;
}

static bool take_soa(struct gathered *g, struct sk_dns_reader in, const struct sk_dns_record *record)
{
    struct sk_dns_name server, mailbox;
    uint32_t minimum = 0;
    if (!sk_dns_read_name(&in, &server) || !sk_dns_read_name(&in, &mailbox))
        return false;
    for (int i = 0; i < 5; i++) { /* serial, refresh, retry, expire, minimum */
        if (!sk_dns_read_u32(&in, &minimum))
            return false;
    }
    g->negative_ttl_s = least(ttl_of(record->ttl), ttl_of(minimum));
    return in.at == in.len;
}

enum section { ANSWERS, AUTHORITIES, ADDITIONS };

static bool take_record(struct gathered *g, const struct sk_dns_reader *r, enum section section,
                        const struct sk_dns_record *record)
{
    if (section == ADDITIONS && record->type == SK_DNS_TYPE_OPT)
        g->rcode_high = record->ttl >> 24;
    if (record->class != SK_DNS_CLASS_IN)
        return true;
    if (section == ANSWERS && record->type == SK_DNS_CNAME)
        return take_alias(g, data_of(r, record), record);
    if (section == AUTHORITIES && record->type == SK_DNS_TYPE_SOA)
        return take_soa(g, data_of(r, record), record);
    return true;
}

/* Every record of the message, each read once; its end is where they end. */
static bool gather(struct sk_dns_reader r, const struct sk_dns_header *h, struct gathered *g)
{
    const unsigned counts[] = {h->answers, h->authorities, h->additions};
    struct sk_dns_record record;
    for (unsigned section = ANSWERS; section <= ADDITIONS; section++) {
        for (unsigned i = 0; i < counts[section]; i++) {
            if (!sk_dns_read_record(&r, &record) || !take_record(g, &r, (enum section)section, &record))
                return false;
        }
    }
    return r.at == r.len;
}

static const struct alias *find_alias(const struct gathered *g, const struct sk_dns_name *name)
{
    for (size_t i = 0; name->is_plain && i < g->alias_count; i++) {
        const struct sk_dns_name *from = &g->aliases[i].from;
        if (from->is_plain && strcmp(from->text, name->text) == 0)
            return &g->aliases[i];
    }
    return NULL;
}

/* Leads *name to the end of its chain; false when there is none. */
static bool follow(const struct gathered *g, struct sk_dns_name *name, uint32_t *ttl_s)
{
    for (size_t hops = 0; hops <= g->alias_count; hops++) {
        const struct alias *alias = find_alias(g, name);
        if (!alias)
            return true;
        *name = alias->to;
        *ttl_s = least(*ttl_s, alias->ttl_s);
    }
    return false;
}

/* An address in IPv4's clothes is left out: it is no answer to a question for IPv6. */
static bool take_address(const struct sk_dns_reader *r, const struct sk_dns_record *record, uint32_t ttl_s,
                         struct sk_dns_answer *answer)
{
    bool is_v6 = record->type == SK_DNS_AAAA;
    if (record->data_len != (is_v6 ? 16 : 4))
        return false;
    struct sk_ip ip = sk_ip_from_bytes(r->data + record->data_at, is_v6);
    if (ip.is_v6 == is_v6 && answer->address_count < SK_DNS_ADDRESSES_MAX)
        answer->addresses[answer->address_count++] =
            (struct sk_dns_address){ip, least(ttl_s, ttl_of(record->ttl))};
    return true;
}

static bool take_addresses(struct sk_dns_reader r, unsigned count, const struct sk_dns_question *question,
                           const struct gathered *g, struct sk_dns_answer *answer)
{
    struct sk_dns_name end = {.is_plain = true};
    struct sk_dns_record record;
    uint32_t ttl_s = INT32_MAX;
    memcpy(end.text, question->name, strlen(question->name) + 1);
    if (!follow(g, &end, &ttl_s))
        return false;
    for (; count; count--) {
        if (!sk_dns_read_record(&r, &record))
            return false;
        if (record.type != question->type || record.class != SK_DNS_CLASS_IN || !record.owner.is_plain ||
            !end.is_plain || strcmp(record.owner.text, end.text) != 0)
            continue;
        if (!take_address(&r, &record, ttl_s, answer))
            return false;
    }
    return true;
}

/* Codes that mean nothing to the asker are failures of the resolver's. */
static enum sk_dns_rcode rcode_of(unsigned rcode)
{
    return rcode <= SK_DNS_REFUSED ? (enum sk_dns_rcode)rcode : SK_DNS_SERVFAIL;
}

static bool is_the_question(struct sk_dns_reader *r, const struct sk_dns_question *question)
{
    struct sk_dns_name name;
    uint16_t type, class;
    return sk_dns_read_name(r, &name) && sk_dns_read_u16(r, &type) && sk_dns_read_u16(r, &class) &&
           name.is_plain && strcmp(name.text, question->name) == 0 && type == question->type &&
           class == SK_DNS_CLASS_IN;
}

static bool take_records(struct sk_dns_reader r, const struct sk_dns_header *h,
                         const struct sk_dns_question *question, struct sk_dns_answer *answer)
{
    struct gathered g = {0};
    if (!gather(r, h, &g))
        return false;
    answer->rcode = rcode_of(g.rcode_high << 4 | (h->flags & SK_DNS_RCODE));
    if (sk_dns_asks_for_addresses(question) && answer->rcode == SK_DNS_NOERROR &&
        !take_addresses(r, h->answers, question, &g, answer))
        return false;
    answer->negative_ttl_s = answer->address_count ? 0 : g.negative_ttl_s;
    return true;
}

enum sk_code sk_dns_read_answer(const uint8_t *data, size_t len, uint16_t id,
                                const struct sk_dns_question *question, struct sk_dns_answer *out_answer,
                                struct sk_err *err)
{
    struct sk_dns_reader reader = {data, len, 0};
    struct sk_dns_answer answer = {0};
    struct sk_dns_header h;
    if (len > SK_DNS_TCP_MAX || !sk_dns_read_header(&reader, &h) || !(h.flags & SK_DNS_IS_ANSWER) ||
        h.flags & SK_DNS_OPCODE || h.id != id || h.questions != 1 || !is_the_question(&reader, question))
        return sk_fail(err, SK_INVALID_ARGUMENT, "this does not answer the DNS question for \"%.100s\"",
                       question->name);
    answer.rcode = rcode_of(h.flags & SK_DNS_RCODE);
    answer.truncated = h.flags & SK_DNS_TRUNCATED;
    /* Records of a truncated answer may be cut anywhere. */
    if (!answer.truncated && !take_records(reader, &h, question, &answer))
        return sk_fail(err, SK_INVALID_ARGUMENT, "the DNS answer for \"%.100s\" is not well-formed",
                       question->name);
    *out_answer = answer;
    return SK_OK;
}
