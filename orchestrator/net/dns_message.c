#include "net/dns_message.h"

#include "net/dns_wire.h"

#include <string.h>

#define UDP_LEAST  512
#define OPT_LEN    11
#define RECORD_LEN 12 /* of one of ours without its data; its name is a pointer */

static bool is_root(const struct sk_dns_name *name)
{
    return name->is_plain && !*name->text;
}

static bool options_are_sound(const struct sk_dns_reader *r, const struct sk_dns_record *opt)
{
    struct sk_dns_reader in = {r->data, opt->data_at + opt->data_len, opt->data_at};
    while (in.at < in.len) {
        uint16_t option, len;
        if (!sk_dns_read_u16(&in, &option) || !sk_dns_read_u16(&in, &len) || in.len - in.at < len)
            return false;
        in.at += len;
    }
    return true;
}

static enum sk_code take_edns(const struct sk_dns_reader *r, const struct sk_dns_record *opt,
                              struct sk_dns_question *q)
{
    if (q->has_edns || !is_root(&opt->owner) || !options_are_sound(r, opt))
        return SK_INVALID_ARGUMENT;
    q->has_edns = true;
    q->udp_size = opt->class < UDP_LEAST ? UDP_LEAST : opt->class;
    if (q->udp_size > SK_DNS_UDP_MAX)
        q->udp_size = SK_DNS_UDP_MAX;
    return (opt->ttl >> 16 & 0xFF) == 0 ? SK_OK : SK_UNIMPLEMENTED; /* its version */
}

/* What follows the question. */
static enum sk_code take_additions(struct sk_dns_reader *r, unsigned count, struct sk_dns_question *q)
{
    enum sk_code worst = SK_OK;
    struct sk_dns_record record;
    for (; count; count--) {
        if (!sk_dns_read_record(r, &record))
            return SK_INVALID_ARGUMENT;
        enum sk_code code = record.type == SK_DNS_TYPE_OPT ? take_edns(r, &record, q) : SK_OK;
        if (code == SK_INVALID_ARGUMENT)
            return code;
        worst = code != SK_OK ? code : worst;
    }
    return r->at == r->len ? worst : SK_INVALID_ARGUMENT;
}

/* The first name of a message is whole: where it has dots, the lengths of labels stand in the message. */
static void take_letters(const struct sk_dns_reader *r, struct sk_dns_question *q)
{
    size_t len = strlen(q->name);
    for (size_t i = 0; i < len; i++)
        q->as_asked[i] = (char)(q->name[i] == '.' ? '.' : r->data[SK_DNS_HEADER_LEN + 1 + i]);
}

static enum sk_code take_question(struct sk_dns_reader *r, const struct sk_dns_header *h,
                                  struct sk_dns_question *q)
{
    struct sk_dns_name name;
    uint16_t class;
    if (h->flags & (SK_DNS_OPCODE | SK_DNS_TRUNCATED) || h->questions != 1 || h->answers || h->authorities)
        return SK_UNIMPLEMENTED;
    if (!sk_dns_read_name(r, &name) || !sk_dns_read_u16(r, &q->type) || !sk_dns_read_u16(r, &class))
        return SK_INVALID_ARGUMENT;
    q->udp_size = UDP_LEAST;
    enum sk_code code = take_additions(r, h->additions, q);
    if (code == SK_OK &&
        (class != SK_DNS_CLASS_IN || !name.is_plain || q->type == 0 || q->type == SK_DNS_TYPE_OPT))
        code = SK_UNIMPLEMENTED;
    memcpy(q->name, name.text, sizeof(q->name));
    take_letters(r, q);
    return code;
}

enum sk_code sk_dns_read_question(const uint8_t *data, size_t len, struct sk_dns_question *out_question,
                                  struct sk_err *err)
{
    struct sk_dns_reader reader = {data, len, 0};
    struct sk_dns_header h;
    if (len > SK_DNS_TCP_MAX || !sk_dns_read_header(&reader, &h) || h.flags & SK_DNS_IS_ANSWER)
        return sk_fail(err, SK_INVALID_ARGUMENT, "this is not a DNS question");
    struct sk_dns_question blank = {.id = h.id, .recursion_desired = h.flags & SK_DNS_RECURSION_DESIRED};
    struct sk_dns_question question = blank;
    enum sk_code code = take_question(&reader, &h, &question);
    if (code == SK_INVALID_ARGUMENT)
        return sk_fail(err, code, "the DNS question is not well-formed");
    *out_question = code == SK_OK ? question : blank;
    if (code != SK_OK)
        return sk_fail(err, code, "the DNS question is of a kind that is not answered here");
    return SK_OK;
}

static void write_opt(struct sk_dns_writer *w)
{
    sk_dns_write_name(w, "");
    sk_dns_write_u16(w, SK_DNS_TYPE_OPT);
    sk_dns_write_u16(w, SK_DNS_UDP_MAX);
    sk_dns_write_u32(w, 0);
    sk_dns_write_u16(w, 0);
}

static void write_asked(struct sk_dns_writer *w, const struct sk_dns_question *q, const char *name)
{
    sk_dns_write_name(w, name);
    sk_dns_write_u16(w, q->type);
    sk_dns_write_u16(w, SK_DNS_CLASS_IN);
}

size_t sk_dns_write_question(const struct sk_dns_question *question, uint16_t id, uint8_t out[512])
{
    struct sk_dns_writer w = {out, 512, 0, false};
    struct sk_dns_header h = {.id = id, .questions = 1, .additions = 1};
    h.flags = question->recursion_desired ? SK_DNS_RECURSION_DESIRED : 0;
    sk_dns_write_header(&w, &h);
    write_asked(&w, question, question->name);
    write_opt(&w);
    return w.len;
}

bool sk_dns_asks_for_addresses(const struct sk_dns_question *question)
{
    return question->type == SK_DNS_A || question->type == SK_DNS_AAAA;
}

static void write_address(struct sk_dns_writer *w, uint16_t type, const struct sk_dns_address *address)
{
    unsigned len = address->ip.is_v6 ? 16 : 4;
    sk_dns_write_u16(w, 0xC000 | SK_DNS_HEADER_LEN); /* the question's name */
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, SK_DNS_CLASS_IN);
    sk_dns_write_u32(w, address->ttl_s);
    sk_dns_write_u16(w, len);
    sk_dns_write(w, address->ip.bytes, len);
}

/* Of the family asked for, those that fit; the others truncate the answer. */
static void write_addresses(struct sk_dns_writer *w, const struct sk_dns_question *question,
                            const struct sk_dns_answer *answer, struct sk_dns_header *h)
{
    size_t room_for = RECORD_LEN + (question->type == SK_DNS_AAAA ? 16 : 4);
    size_t reserved = question->has_edns ? OPT_LEN : 0;
    if (!sk_dns_asks_for_addresses(question) || answer->rcode != SK_DNS_NOERROR)
        return;
    for (size_t i = 0; i < answer->address_count; i++) {
        if (answer->addresses[i].ip.is_v6 != (question->type == SK_DNS_AAAA))
            continue;
        if (w->max - w->len < room_for + reserved) {
            h->flags |= SK_DNS_TRUNCATED;
            return;
        }
        write_address(w, question->type, &answer->addresses[i]);
        h->answers++;
    }
}

size_t sk_dns_write_answer(const struct sk_dns_question *question, const struct sk_dns_answer *answer,
                           uint8_t *out, size_t max)
{
    struct sk_dns_writer w = {out, max, 0, false}, again = w;
    struct sk_dns_header h = {.id = question->id, .flags = SK_DNS_IS_ANSWER | SK_DNS_RECURSION_AVAILABLE};
    h.flags = (uint16_t)(h.flags | answer->rcode | (answer->truncated ? SK_DNS_TRUNCATED : 0) |
                         (question->recursion_desired ? SK_DNS_RECURSION_DESIRED : 0));
    h.questions = question->type != 0;
    h.additions = question->has_edns;
    sk_dns_write_header(&w, &h);
    if (h.questions)
        write_asked(&w, question, *question->as_asked ? question->as_asked : question->name);
    if (!w.is_full)
        write_addresses(&w, question, answer, &h);
    if (h.additions)
        write_opt(&w);
    sk_dns_write_header(&again, &h); /* now that the counts are known */
    return w.is_full ? 0 : w.len;
}
