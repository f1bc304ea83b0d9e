/* dns_bytes.h: for the tests of net/dns_*: messages made byte by byte, good
 * and bad, and read from copies of just their size. All static: one program
 * includes it once. */
#ifndef SK_TESTS_DNS_BYTES_H
#define SK_TESTS_DNS_BYTES_H

#include "net/dns_message.h"
#include "net/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define UNUSED __attribute__((unused))

enum { NS = 2, SOA = 6, PTR = 12, TXT = 16, OPT = 41, IN = 1, CHAOS = 3 };
enum { ID = 0x1234, QUERY = 0x0100, REPLY = 0x8180 };

static uint8_t bytes[70000];

static UNUSED struct sk_dns_writer begin(unsigned flags, unsigned questions, unsigned answers,
                                         unsigned authorities, unsigned additions)
{
    struct sk_dns_writer w = {bytes, sizeof(bytes), 0, false};
    struct sk_dns_header h = {ID,
                              (uint16_t)flags,
                              (uint16_t)questions,
                              (uint16_t)answers,
                              (uint16_t)authorities,
                              (uint16_t)additions};
    sk_dns_write_header(&w, &h);
    return w;
}

static UNUSED void add_question(struct sk_dns_writer *w, const char *name, unsigned type)
{
    sk_dns_write_name(w, name);
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, IN);
}

/* Without its data. */
static UNUSED void add_record(struct sk_dns_writer *w, const char *owner, unsigned type, unsigned ttl,
                              unsigned len)
{
    sk_dns_write_name(w, owner);
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, IN);
    sk_dns_write_u32(w, ttl);
    sk_dns_write_u16(w, len);
}

static UNUSED void add_alias(struct sk_dns_writer *w, const char *from, const char *to, unsigned ttl)
{
    add_record(w, from, SK_DNS_CNAME, ttl, (unsigned)strlen(to) + 2);
    sk_dns_write_name(w, to);
}

static UNUSED void add_a(struct sk_dns_writer *w, const char *owner, unsigned ttl, unsigned last)
{
    const uint8_t ip[] = {192, 0, 2, (uint8_t)last};
    add_record(w, owner, SK_DNS_A, ttl, 4);
    sk_dns_write(w, ip, 4);
}

static UNUSED void add_opt(struct sk_dns_writer *w, unsigned size, unsigned ttl, unsigned len)
{
    sk_dns_write_name(w, "");
    sk_dns_write_u16(w, OPT);
    sk_dns_write_u16(w, size);
    sk_dns_write_u32(w, ttl);
    sk_dns_write_u16(w, len);
}

static UNUSED void add_soa(struct sk_dns_writer *w, unsigned ttl, unsigned minimum)
{
    add_record(w, "example.com", SOA, ttl, 3 + 1 + 20);
    sk_dns_write(w, "\1m", 3);
    sk_dns_write_name(w, "");
    for (unsigned i = 0; i < 4; i++)
        sk_dns_write_u32(w, 77);
    sk_dns_write_u32(w, minimum);
}

/* A copy of just that size, so that reading behind it is seen. */
static UNUSED enum sk_code ask(const struct sk_dns_writer *w, struct sk_dns_question *out)
{
    SK_AUTO_FREE uint8_t *copy = sk_memdup(w->out, w->len);
    struct sk_err err = {0};
    enum sk_code code = sk_dns_read_question(copy, w->len, out, &err);
    assert_int_equal(err.code, code);
    return code;
}

static struct sk_dns_question question(const char *name, unsigned type)
{
    struct sk_dns_question q = {.id = 7, .type = (uint16_t)type, .recursion_desired = true, .udp_size = 512};
    (void)snprintf(q.name, sizeof(q.name), "%s", name);
    return q;
}

static UNUSED enum sk_code answer(const struct sk_dns_writer *w, const char *name, unsigned type,
                                  struct sk_dns_answer *out)
{
    struct sk_dns_question q = question(name, type);
    SK_AUTO_FREE uint8_t *copy = sk_memdup(w->out, w->len);
    struct sk_err err = {0};
    enum sk_code code = sk_dns_read_answer(copy, w->len, ID, &q, out, &err);
    assert_int_equal(err.code, code);
    return code;
}

#endif
