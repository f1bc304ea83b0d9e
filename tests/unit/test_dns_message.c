/* DNS messages: questions and answers, well-formed and hostile. */
#include "net/dns_message.h"

#include "net/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { NS = 2, SOA = 6, PTR = 12, TXT = 16, OPT = 41, IN = 1, CHAOS = 3 };
enum { ID = 0x1234, QUERY = 0x0100, REPLY = 0x8180 };

static uint8_t bytes[70000];

static struct sk_dns_writer begin(unsigned flags, unsigned questions, unsigned answers, unsigned authorities,
                                  unsigned additions)
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

static void add_question(struct sk_dns_writer *w, const char *name, unsigned type)
{
    sk_dns_write_name(w, name);
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, IN);
}

/* Without its data. */
static void add_record(struct sk_dns_writer *w, const char *owner, unsigned type, unsigned ttl, unsigned len)
{
    sk_dns_write_name(w, owner);
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, IN);
    sk_dns_write_u32(w, ttl);
    sk_dns_write_u16(w, len);
}

static void add_alias(struct sk_dns_writer *w, const char *from, const char *to, unsigned ttl)
{
    add_record(w, from, SK_DNS_CNAME, ttl, (unsigned)strlen(to) + 2);
    sk_dns_write_name(w, to);
}

static void add_a(struct sk_dns_writer *w, const char *owner, unsigned ttl, unsigned last)
{
    const uint8_t ip[] = {192, 0, 2, (uint8_t)last};
    add_record(w, owner, SK_DNS_A, ttl, 4);
    sk_dns_write(w, ip, 4);
}

static void add_opt(struct sk_dns_writer *w, unsigned size, unsigned ttl, unsigned len)
{
    sk_dns_write_name(w, "");
    sk_dns_write_u16(w, OPT);
    sk_dns_write_u16(w, size);
    sk_dns_write_u32(w, ttl);
    sk_dns_write_u16(w, len);
}

static void add_soa(struct sk_dns_writer *w, unsigned ttl, unsigned minimum)
{
    add_record(w, "example.com", SOA, ttl, 3 + 1 + 20);
    sk_dns_write(w, "\1m", 3);
    sk_dns_write_name(w, "");
    for (unsigned i = 0; i < 4; i++)
        sk_dns_write_u32(w, 77);
    sk_dns_write_u32(w, minimum);
}

/* A copy of just that size, so that reading behind it is seen. */
static enum sk_code ask(const struct sk_dns_writer *w, struct sk_dns_question *out)
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

static enum sk_code answer(const struct sk_dns_writer *w, const char *name, unsigned type,
                           struct sk_dns_answer *out)
{
    struct sk_dns_question q = question(name, type);
    SK_AUTO_FREE uint8_t *copy = sk_memdup(w->out, w->len);
    struct sk_err err = {0};
    enum sk_code code = sk_dns_read_answer(copy, w->len, ID, &q, out, &err);
    assert_int_equal(err.code, code);
    return code;
}

/* --- questions --------------------------------------------------------------------------------------- */

static void test_question(void **state)
{
    struct sk_dns_question q;
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
    (void)state;
    add_question(&w, "WWW.Example.com", SK_DNS_AAAA);
    assert_int_equal(ask(&w, &q), SK_OK);
    assert_int_equal(q.id, ID);
    assert_string_equal(q.name, "www.example.com");
    assert_int_equal(q.type, SK_DNS_AAAA);
    assert_true(q.recursion_desired);
    assert_false(q.has_edns);
    assert_int_equal(q.udp_size, 512);
    w = begin(0x0030, 1, 0, 0, 0); /* AD and CD */
    add_question(&w, "", NS);
    assert_int_equal(ask(&w, &q), SK_OK);
    assert_string_equal(q.name, "");
    assert_false(q.recursion_desired);
}

static void test_question_edns(void **state)
{
    static const unsigned sizes[][2] = {{0, 512}, {511, 512}, {1000, 1000}, {4096, 1232}, {65535, 1232}};
    struct sk_dns_question q;
    (void)state;
    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 2);
        add_question(&w, "a.b", SK_DNS_A);
        add_opt(&w, sizes[i][0], 0x8000, 12); /* DO, a cookie */
        sk_dns_write(&w,
                     "\0\x0A\0\x08"
                     "12345678",
                     12);
        add_record(&w, "key", 250, 0, 0); /* TSIG */
        assert_int_equal(ask(&w, &q), SK_OK);
        assert_true(q.has_edns);
        assert_int_equal(q.udp_size, sizes[i][1]);
    }
}

static void test_question_bad_edns(void **state)
{
    struct sk_dns_question q;
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 2);
    (void)state;
    add_question(&w, "a.b", SK_DNS_A);
    add_opt(&w, 1232, 0, 0);
    add_opt(&w, 1232, 0, 0);
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    w = begin(QUERY, 1, 0, 0, 1);
    add_question(&w, "a.b", SK_DNS_A);
    add_opt(&w, 1232, 0x00010000, 0); /* version 1 */
    assert_int_equal(ask(&w, &q), SK_UNIMPLEMENTED);
    w = begin(QUERY, 1, 0, 0, 1);
    add_question(&w, "a.b", SK_DNS_A);
    add_opt(&w, 1232, 0, 5);
    sk_dns_write(&w, "\0\x0A\0\x02x", 5); /* an option that is longer than the record */
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    w = begin(QUERY, 1, 0, 0, 1);
    add_question(&w, "a.b", SK_DNS_A);
    add_record(&w, "not.root", OPT, 0, 0);
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
}

static void test_question_of_other_kinds(void **state)
{
    static const struct sample {
        unsigned flags, questions, answers, authorities, type, class;
        const char *name;
    } samples[] = {
        {0x2900, 1, 0, 0, SK_DNS_A, IN, "\1a"},       /* UPDATE */
        {0x0900, 1, 0, 0, SK_DNS_A, IN, "\1a"},       /* inverse query */
        {0x0300, 1, 0, 0, SK_DNS_A, IN, "\1a"},       /* TC */
        {QUERY, 0, 0, 0, SK_DNS_A, IN, "\1a"},        /* none */
        {QUERY, 2, 0, 0, SK_DNS_A, IN, "\1a"},        /* two */
        {QUERY, 65535, 0, 0, SK_DNS_A, IN, "\1a"},    /* and many */
        {QUERY, 1, 1, 0, SK_DNS_A, IN, "\1a"},        /* with an answer */
        {QUERY, 1, 0, 1, SK_DNS_A, IN, "\1a"},        /* or authority */
        {QUERY, 1, 0, 0, TXT, CHAOS, "\1a"},          /* version.bind and the like */
        {QUERY, 1, 0, 0, SK_DNS_A, 255, "\1a"},       /* any class */
        {QUERY, 1, 0, 0, 0, IN, "\1a"},               /* type 0 */
        {QUERY, 1, 0, 0, OPT, IN, "\1a"},             /* no type to ask for */
        {QUERY, 1, 0, 0, SK_DNS_A, IN, "\3a.b"},      /* a dot in a label */
        {QUERY, 1, 0, 0, SK_DNS_A, IN, "\3a b"},      /* a blank */
        {QUERY, 1, 0, 0, SK_DNS_A, IN, "\1*"},        /* a wildcard's name */
        {QUERY, 1, 0, 0, SK_DNS_A, IN, "\2\xC3\xA9"}, /* UTF-8 */
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_dns_question q;
        struct sk_dns_writer w =
            begin(samples[i].flags, samples[i].questions, samples[i].answers, samples[i].authorities, 0);
        sk_dns_write(&w, samples[i].name, strlen(samples[i].name) + 1);
        sk_dns_write_u16(&w, samples[i].type);
        sk_dns_write_u16(&w, samples[i].class);
        memset(&q, 0xAA, sizeof(q));
        if (ask(&w, &q) != SK_UNIMPLEMENTED)
            fail_msg("sample %zu", i);
        assert_int_equal(q.id, ID);
        assert_int_equal(q.type, 0);
        assert_string_equal(q.name, "");
    }
}

static void test_question_with_nul(void **state)
{
    struct sk_dns_question q;
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
    (void)state;
    sk_dns_write(&w, "\7evil\0ab\4test", 14);
    sk_dns_write_u16(&w, SK_DNS_A);
    sk_dns_write_u16(&w, IN);
    assert_int_equal(ask(&w, &q), SK_UNIMPLEMENTED);
}

/* Every message that ends too early, or too late, is none. */
static void test_question_lengths(void **state)
{
    struct sk_dns_question q;
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 1);
    (void)state;
    add_question(&w, "www.example.com", SK_DNS_A);
    add_opt(&w, 1232, 0, 0);
    assert_int_equal(ask(&w, &q), SK_OK);
    size_t len = w.len;
    for (w.len = 0; w.len < len; w.len++)
        assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    bytes[len] = 0;
    w.len = len + 1;
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    w.len = len;
    bytes[11] = 2; /* an addition more than there are */
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    bytes[11] = 0;
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    bytes[11] = 1;
    bytes[2] |= 0x80; /* an answer */
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
    w.len = sizeof(bytes);
    assert_int_equal(ask(&w, &q), SK_INVALID_ARGUMENT);
}

static void test_question_names(void **state)
{
    static const struct sample {
        const char *bytes;
        size_t len;
    } samples[] = {
        {"\xC0\x0C", 2},    /* to itself */
        {"\1a\xC0\x0C", 4}, /* round and round */
        {"\1a\xC0\x0E", 4}, /* to the pointer */
        {"\xC0\x00", 2},    /* into the header */
        {"\1a\xC0\x0B", 4}, /* its last byte, which is 0 */
        {"\xC0\x20", 2},    /* forwards */
        {"\xFF\xFF", 2},    /* out of the message */
        {"\xC0", 1},        /* half a pointer */
        {"\x40"
         "a",
         2}, /* no such kind of label */
        {"\x80"
         "a",
         2}, /* nor this */
        {"\x3F"
         "aa",
         3}, /* longer than the message */
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct sk_dns_question q;
        struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
        sk_dns_write(&w, samples[i].bytes, samples[i].len);
        if (i != 7 && i != 10) {
            sk_dns_write_u16(&w, SK_DNS_A);
            sk_dns_write_u16(&w, IN);
        }
        if (ask(&w, &q) != SK_INVALID_ARGUMENT)
            fail_msg("sample %zu", i);
    }
}

/* 127 labels of one letter are 255 bytes; a letter more is too long. */
static void test_longest_name(void **state)
{
    struct sk_dns_question q, again;
    uint8_t out[512];
    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
        for (unsigned i = 0; i < 126; i++)
            sk_dns_write(&w, "\1a", 2);
        sk_dns_write(&w, extra ? "\2ab" : "\1a", extra ? 4 : 3);
        sk_dns_write_u16(&w, SK_DNS_A);
        sk_dns_write_u16(&w, IN);
        assert_int_equal(ask(&w, &q), extra ? SK_INVALID_ARGUMENT : SK_OK);
    }
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
    for (unsigned i = 0; i < 127; i++)
        sk_dns_write(&w, "\1a", 2);
    add_question(&w, "", SK_DNS_A);
    assert_int_equal(ask(&w, &q), SK_OK);
    assert_int_equal(strlen(q.name), SK_DOMAIN_MAX - 1);
    size_t len = sk_dns_write_question(&q, 9, out);
    assert_int_equal(len, 12 + 255 + 4 + 11);
    assert_int_equal(sk_dns_read_question(out, len, &again, NULL), SK_OK);
    assert_string_equal(again.name, q.name);
}

static void test_write_question(void **state)
{
    struct sk_dns_question q = question("www.example.com", SK_DNS_HTTPS), again;
    uint8_t out[512];
    size_t len = sk_dns_write_question(&q, 0xBEEF, out);
    (void)state;
    assert_int_equal(sk_dns_read_question(out, len, &again, NULL), SK_OK);
    assert_int_equal(again.id, 0xBEEF);
    assert_string_equal(again.name, q.name);
    assert_int_equal(again.type, SK_DNS_HTTPS);
    assert_true(again.recursion_desired);
    assert_true(again.has_edns);
    assert_int_equal(again.udp_size, SK_DNS_UDP_MAX);
}

/* --- answers of resolvers ---------------------------------------------------------------------------- */

static void test_answer(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 3, 0, 1);
    (void)state;
    add_question(&w, "A.example.com", SK_DNS_A);
    add_a(&w, "a.Example.com", 300, 1);
    sk_dns_write(&w, "\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4\xC0\0\2\2", 16); /* by pointer, 60 s */
    add_a(&w, "other.example.com", 300, 3);                           /* nobody asked for it */
    add_opt(&w, 1232, 0, 0);
    assert_int_equal(answer(&w, "a.example.com", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.rcode, SK_DNS_NOERROR);
    assert_false(a.truncated);
    assert_int_equal(a.address_count, 2);
    assert_int_equal(a.addresses[0].ip.bytes[3], 1);
    assert_int_equal(a.addresses[0].ttl_s, 300);
    assert_int_equal(a.addresses[1].ip.bytes[3], 2);
    assert_int_equal(a.addresses[1].ttl_s, 60);
}

static void test_answer_to_others(void **state)
{
    static const unsigned flags[] = {0x0180, 0xA180}; /* no answer; another opcode */
    struct sk_dns_answer a;
    struct sk_dns_writer w;
    (void)state;
    for (size_t i = 0; i < sk_array_len(flags); i++) {
        w = begin(flags[i], 1, 0, 0, 0);
        add_question(&w, "a.b", SK_DNS_A);
        assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    }
    w = begin(REPLY, 1, 0, 0, 0);
    add_question(&w, "a.b", SK_DNS_A);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(answer(&w, "a.c", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    assert_int_equal(answer(&w, "a.b", SK_DNS_AAAA, &a), SK_INVALID_ARGUMENT);
    bytes[1] ^= 1; /* the id */
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    w = begin(REPLY, 0, 0, 0, 0);
    assert_int_equal(answer(&w, "", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    w = begin(REPLY, 2, 0, 0, 0);
    add_question(&w, "a.b", SK_DNS_A);
    add_question(&w, "a.b", SK_DNS_A);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
}

static void test_chain(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 6, 0, 0);
    (void)state;
    add_question(&w, "a.test", SK_DNS_A);
    add_a(&w, "c.test", 500, 1); /* the end first */
    add_alias(&w, "b.test", "c.test", 40);
    add_a(&w, "b.test", 500, 2); /* not at the end */
    add_alias(&w, "a.test", "b.test", 400);
    add_alias(&w, "x.test", "y.test", 1);
    add_a(&w, "c.test", 10, 3);
    assert_int_equal(answer(&w, "a.test", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.address_count, 2);
    assert_int_equal(a.addresses[0].ip.bytes[3], 1);
    assert_int_equal(a.addresses[0].ttl_s, 40);
    assert_int_equal(a.addresses[1].ip.bytes[3], 3);
    assert_int_equal(a.addresses[1].ttl_s, 10);
}

static void test_chain_loops(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 1, 0, 0);
    (void)state;
    add_question(&w, "a.test", SK_DNS_A);
    add_alias(&w, "a.test", "a.test", 40);
    assert_int_equal(answer(&w, "a.test", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    w = begin(REPLY, 1, 4, 0, 0);
    add_question(&w, "a.test", SK_DNS_A);
    add_alias(&w, "a.test", "b.test", 40);
    add_alias(&w, "b.test", "c.test", 40);
    add_alias(&w, "c.test", "b.test", 40);
    add_a(&w, "b.test", 40, 1);
    assert_int_equal(answer(&w, "a.test", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
}

static void add_aliases(struct sk_dns_writer *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char from[16], to[16];
        (void)snprintf(from, sizeof(from), "n%u", i);
        (void)snprintf(to, sizeof(to), "n%u", i + 1);
        add_alias(w, from, to, 40);
    }
}

static void test_chain_length(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 17, 0, 0);
    (void)state;
    add_question(&w, "n0", SK_DNS_A);
    add_aliases(&w, 16);
    add_a(&w, "n16", 40, 1);
    assert_int_equal(answer(&w, "n0", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.address_count, 1);
    w = begin(REPLY, 1, 18, 0, 0);
    add_question(&w, "n0", SK_DNS_A);
    add_aliases(&w, 17);
    add_a(&w, "n17", 40, 1);
    assert_int_equal(answer(&w, "n0", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
}

/* A target no host can have ends the chain, also where the same bytes stand again. */
static void test_chain_to_no_host(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 3, 0, 0);
    (void)state;
    add_question(&w, "a", SK_DNS_A);
    add_record(&w, "a", SK_DNS_CNAME, 40, 5);
    sk_dns_write(&w, "\3b.c", 5);
    add_a(&w, "b.c", 40, 1);                                         /* two labels: another name */
    sk_dns_write(&w, "\3b.c\0\0\1\0\1\0\0\0\x3C\0\4\xC0\0\2\2", 19); /* the name itself */
    assert_int_equal(answer(&w, "a", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.address_count, 0);
}

static void test_answer_v6(void **state)
{
    static const uint8_t good[16] = {0x20, 0x01, 0x0D, 0xB8, [15] = 1};
    static const uint8_t mapped[16] = {[10] = 0xFF, 0xFF, 127, 0, 0, 1};
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 3, 0, 0);
    (void)state;
    add_question(&w, "a.b", SK_DNS_AAAA);
    add_record(&w, "a.b", SK_DNS_AAAA, 40, 16);
    sk_dns_write(&w, mapped, 16);
    add_record(&w, "a.b", SK_DNS_AAAA, 0x80000000, 16); /* no time that is */
    sk_dns_write(&w, good, 16);
    add_a(&w, "a.b", 40, 1); /* of the other family */
    assert_int_equal(answer(&w, "a.b", SK_DNS_AAAA, &a), SK_OK);
    assert_int_equal(a.address_count, 1);
    assert_true(a.addresses[0].ip.is_v6);
    assert_memory_equal(a.addresses[0].ip.bytes, good, 16);
    assert_int_equal(a.addresses[0].ttl_s, 0);
}

static void test_answer_of_wrong_size(void **state)
{
    static const struct sample {
        unsigned type, len;
    } samples[] = {{SK_DNS_A, 3}, {SK_DNS_A, 5}, {SK_DNS_A, 0}, {SK_DNS_AAAA, 4}, {SK_DNS_CNAME, 4}};
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        unsigned type = samples[i].type == SK_DNS_CNAME ? SK_DNS_A : samples[i].type;
        struct sk_dns_answer a;
        struct sk_dns_writer w = begin(REPLY, 1, 1, 0, 0);
        add_question(&w, "a.b", type);
        add_record(&w, "a.b", samples[i].type, 40, samples[i].len);
        sk_dns_write(&w, "\1c\0\0\0", samples[i].len);
        if (answer(&w, "a.b", type, &a) != SK_INVALID_ARGUMENT)
            fail_msg("sample %zu", i);
    }
}

/* Cut anywhere, it is not well-formed; nor when it says that there is more, or less. */
static void test_answer_lengths(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 2, 1, 1);
    (void)state;
    add_question(&w, "a.b", SK_DNS_A);
    add_alias(&w, "a.b", "c.d", 40);
    add_a(&w, "c.d", 40, 1);
    add_soa(&w, 30, 20);
    add_opt(&w, 1232, 0, 0);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    size_t len = w.len;
    for (w.len = 0; w.len < len; w.len++)
        assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
    w.len = len;
    for (unsigned at = 7; at <= 11; at += 2) {
        for (int by = -1; by <= 1; by += 2) {
            uint8_t was = bytes[at];
            bytes[at] = (uint8_t)(was + by);
            assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
            bytes[at] = was;
        }
    }
    memset(bytes + 6, 0xFF, 6);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT);
}

static void test_negative(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY | 3, 1, 1, 1, 0);
    (void)state;
    add_question(&w, "a.b", SK_DNS_A);
    add_a(&w, "a.b", 40, 1); /* there is none */
    add_soa(&w, 300, 60);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.rcode, SK_DNS_NXDOMAIN);
    assert_int_equal(a.address_count, 0);
    assert_int_equal(a.negative_ttl_s, 60);
    w = begin(REPLY, 1, 1, 1, 0);
    add_question(&w, "a.b", SK_DNS_A);
    add_alias(&w, "a.b", "c.d", 40);
    add_soa(&w, 30, 60);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.rcode, SK_DNS_NOERROR);
    assert_int_equal(a.negative_ttl_s, 30);
    w = begin(REPLY, 1, 1, 1, 0);
    add_question(&w, "a.b", SK_DNS_A);
    add_a(&w, "a.b", 40, 1);
    add_soa(&w, 30, 60);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.negative_ttl_s, 0); /* it has an address */
    w = begin(REPLY, 1, 0, 1, 0);
    add_question(&w, "a.b", SK_DNS_A);
    add_record(&w, "b", SOA, 30, 3);
    sk_dns_write(&w, "\1b", 3);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_INVALID_ARGUMENT); /* half a SOA */
}

static void test_rcodes(void **state)
{
    struct sk_dns_answer a;
    (void)state;
    for (unsigned rcode = 0; rcode < 16; rcode++) {
        struct sk_dns_writer w = begin(REPLY | rcode, 1, 0, 0, 0);
        add_question(&w, "a.b", SK_DNS_A);
        assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
        assert_int_equal(a.rcode, rcode <= 5 ? rcode : SK_DNS_SERVFAIL);
    }
    struct sk_dns_writer w = begin(REPLY, 1, 1, 0, 1);
    add_question(&w, "a.b", SK_DNS_A);
    add_a(&w, "a.b", 40, 1);
    add_opt(&w, 1232, 0x01000000, 0); /* BADVERS: the upper bits stand here */
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.rcode, SK_DNS_SERVFAIL);
    assert_int_equal(a.address_count, 0);
}

static void test_truncated(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY | 0x0200, 1, 9, 0, 0);
    (void)state;
    add_question(&w, "a.b", SK_DNS_A);
    add_a(&w, "a.b", 40, 1);
    w.len -= 3;
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_true(a.truncated);
    assert_int_equal(a.address_count, 0);
}

static void test_more_than_enough(void **state)
{
    struct sk_dns_answer a;
    struct sk_dns_writer w = begin(REPLY, 1, 200, 0, 0);
    (void)state;
    add_question(&w, "a.b", SK_DNS_A);
    for (unsigned i = 0; i < 200; i++)
        add_a(&w, "a.b", 40, i);
    assert_int_equal(answer(&w, "a.b", SK_DNS_A, &a), SK_OK);
    assert_int_equal(a.address_count, SK_DNS_ADDRESSES_MAX);
}

/* Services' records say addresses and keys of their own; none is taken. */
static void test_other_types(void **state)
{
    static const unsigned types[] = {SK_DNS_HTTPS, SK_DNS_SVCB, TXT, PTR, SK_DNS_CNAME, 255};
    (void)state;
    for (size_t i = 0; i < sk_array_len(types); i++) {
        struct sk_dns_question q = question("a.b", types[i]);
        struct sk_dns_answer a;
        struct sk_dns_writer w = begin(REPLY, 1, 2, 0, 0);
        uint8_t out[512];
        add_question(&w, "a.b", types[i]);
        add_record(&w, "a.b", types[i], 40, 3);
        sk_dns_write(&w, "\1c", 3);
        add_a(&w, "a.b", 40, 1);
        assert_int_equal(answer(&w, "a.b", types[i], &a), SK_OK);
        assert_int_equal(a.address_count, 0);
        a.addresses[a.address_count++] = (struct sk_dns_address){{.bytes = {192, 0, 2, 1}}, 40};
        assert_int_equal(sk_dns_write_answer(&q, &a, out, sizeof(out)), 12 + 5 + 4);
        assert_int_equal(out[7], 0);
    }
}

/* --- answers to sandboxes ---------------------------------------------------------------------------- */

static struct sk_dns_answer addresses(unsigned count, bool is_v6)
{
    struct sk_dns_answer a = {0};
    for (unsigned i = 0; i < count; i++) {
        uint8_t raw[16] = {0x20, 1, (uint8_t)i, 1};
        a.addresses[i] = (struct sk_dns_address){sk_ip_from_bytes(raw, is_v6), 60 + i};
    }
    a.address_count = count;
    return a;
}

static void test_write_answer(void **state)
{
    struct sk_dns_question q = question("www.example.com", SK_DNS_A);
    struct sk_dns_answer a = addresses(2, false), again;
    uint8_t out[512];
    (void)state;
    a.addresses[a.address_count++] = addresses(1, true).addresses[0]; /* not asked for */
    q.has_edns = true;
    q.id = ID;
    size_t len = sk_dns_write_answer(&q, &a, out, sizeof(out));
    assert_int_equal(len, 12 + 17 + 4 + 2 * 16 + 11);
    assert_memory_equal(out, "\x12\x34\x81\x80\0\1\0\2\0\0\0\1", 12);
    assert_memory_equal(out + 33, "\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4\x20\1\0\1", 16);
    assert_memory_equal(out + len - 11, "\0\0\x29\x04\xD0\0\0\0\0\0\0", 11);
    assert_int_equal(sk_dns_read_answer(out, len, ID, &q, &again, NULL), SK_OK);
    assert_int_equal(again.address_count, 2);
    assert_int_equal(again.addresses[1].ttl_s, 61);
    assert_true(sk_ip_equal(&again.addresses[1].ip, &a.addresses[1].ip));
}

static void test_write_answer_cut(void **state)
{
    struct sk_dns_question q = question("a.b", SK_DNS_AAAA);
    struct sk_dns_answer a = addresses(64, true), again;
    uint8_t out[2048];
    (void)state;
    q.has_edns = true;
    for (size_t max = 0; max <= sizeof(out); max++) {
        size_t len = sk_dns_write_answer(&q, &a, out, max);
        assert_true(len <= max);
        if (max < 12 + 5 + 4 + 11) {
            assert_int_equal(len, 0);
            continue;
        }
        assert_int_equal(sk_dns_read_answer(out, len, q.id, &q, &again, NULL), SK_OK);
        size_t fit = (max - 32) / 28 < 64 ? (max - 32) / 28 : 64;
        assert_int_equal(again.truncated, fit < 64);
        assert_int_equal(len, 32 + fit * 28);
    }
}

static void test_write_refusals(void **state)
{
    struct sk_dns_question q = question("a.b", SK_DNS_A), none = {.id = ID};
    struct sk_dns_answer a = addresses(3, false);
    uint8_t out[512];
    (void)state;
    a.rcode = SK_DNS_NXDOMAIN;
    assert_int_equal(sk_dns_write_answer(&q, &a, out, sizeof(out)), 21);
    assert_memory_equal(out, "\0\7\x81\x83\0\1\0\0\0\0\0\0", 12);
    a.rcode = SK_DNS_NOTIMP;
    assert_int_equal(sk_dns_write_answer(&none, &a, out, sizeof(out)), 12);
    assert_memory_equal(out, "\x12\x34\x80\x84\0\0\0\0\0\0\0\0", 12);
    assert_int_equal(sk_dns_write_answer(&none, &a, out, 11), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question),
        cmocka_unit_test(test_question_edns),
        cmocka_unit_test(test_question_bad_edns),
        cmocka_unit_test(test_question_of_other_kinds),
        cmocka_unit_test(test_question_with_nul),
        cmocka_unit_test(test_question_lengths),
        cmocka_unit_test(test_question_names),
        cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_write_question),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_answer_to_others),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_chain_loops),
        cmocka_unit_test(test_chain_length),
        cmocka_unit_test(test_chain_to_no_host),
        cmocka_unit_test(test_answer_v6),
        cmocka_unit_test(test_answer_of_wrong_size),
        cmocka_unit_test(test_answer_lengths),
        cmocka_unit_test(test_negative),
        cmocka_unit_test(test_rcodes),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_more_than_enough),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_write_answer),
        cmocka_unit_test(test_write_answer_cut),
        cmocka_unit_test(test_write_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
