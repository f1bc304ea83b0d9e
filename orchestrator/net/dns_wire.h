/* dns_wire.h: the parts DNS messages are made of: numbers, names, records
 * (RFC 1035 sections 3.2 and 4.1). Pure; for dns_message.c. */
#ifndef SK_NET_DNS_WIRE_H
#define SK_NET_DNS_WIRE_H

#include "net/domain.h"

#include <stdint.h>

#define SK_DNS_HEADER_LEN 12
#define SK_DNS_CLASS_IN   1
#define SK_DNS_TYPE_SOA   6
#define SK_DNS_TYPE_OPT   41

/* Of a header. */
#define SK_DNS_IS_ANSWER           0x8000
#define SK_DNS_OPCODE              0x7800 /* 0 = a standard query */
#define SK_DNS_TRUNCATED           0x0200
#define SK_DNS_RECURSION_DESIRED   0x0100
#define SK_DNS_RECURSION_AVAILABLE 0x0080
#define SK_DNS_RCODE               0x000F

struct sk_dns_reader {
    const uint8_t *data;
    size_t len, at;
};

struct sk_dns_header {
    uint16_t id, flags;
    uint16_t questions, answers, authorities, additions;
};

struct sk_dns_name {
    char text[SK_DOMAIN_MAX]; /* in lower case; "" = the root */
    bool is_plain;            /* else a label has other bytes than a host's name, and text is "" */
};

struct sk_dns_record {
    struct sk_dns_name owner;
    uint16_t type, class;
    uint32_t ttl; /* as it stands there: OPT keeps other things in it */
    size_t data_at;
    uint16_t data_len;
};

/* False: the message is not well-formed; nothing must be read after that. */
SK_MUST_CHECK bool sk_dns_read_u16(struct sk_dns_reader *reader, uint16_t *out);
SK_MUST_CHECK bool sk_dns_read_u32(struct sk_dns_reader *reader, uint32_t *out);
SK_MUST_CHECK bool sk_dns_read_header(struct sk_dns_reader *reader, struct sk_dns_header *out_header);
/* Pointers lead backwards only, and not into the header; so they end. */
SK_MUST_CHECK bool sk_dns_read_name(struct sk_dns_reader *reader, struct sk_dns_name *out_name);
/* And on behind its data, which lies wholly in the message. */
SK_MUST_CHECK bool sk_dns_read_record(struct sk_dns_reader *reader, struct sk_dns_record *out_record);

struct sk_dns_writer {
    uint8_t *out;
    size_t max, len;
    bool is_full; /* something did not fit and is missing, and all after it */
};

void sk_dns_write(struct sk_dns_writer *writer, const void *data, size_t len);
void sk_dns_write_u16(struct sk_dns_writer *writer, unsigned number);
void sk_dns_write_u32(struct sk_dns_writer *writer, uint32_t number);
void sk_dns_write_header(struct sk_dns_writer *writer, const struct sk_dns_header *header);
/* Such as sk_dns_read_name gives: labels of 1 to 63 letters. */
void sk_dns_write_name(struct sk_dns_writer *writer, const char *name);

#endif
