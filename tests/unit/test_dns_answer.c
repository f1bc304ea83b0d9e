/* Answers of resolvers, well-formed and hostile. */
#include "tests/unit/dns_bytes.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
