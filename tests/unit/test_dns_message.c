/* Questions of sandboxes, well-formed and hostile, and what sandboxes are told. */
#include "tests/unit/dns_bytes.h"

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

/* Askers that mix letters to know true answers from guesses find them again; resolvers see none of it. */
static void test_letters(void **state)
{
    struct sk_dns_question q;
    struct sk_dns_answer a = addresses(1, false);
    struct sk_dns_writer w = begin(QUERY, 1, 0, 0, 0);
    uint8_t out[512];
    (void)state;
    add_question(&w, "wWw.eXample-1.COM", SK_DNS_A);
    assert_int_equal(ask(&w, &q), SK_OK);
    assert_string_equal(q.name, "www.example-1.com");
    assert_string_equal(q.as_asked, "wWw.eXample-1.COM");
    assert_true(sk_dns_write_answer(&q, &a, out, sizeof(out)) > 12);
    assert_memory_equal(out + 12, bytes + 12, 19 + 4);
    assert_int_equal(sk_dns_write_question(&q, ID, out), 12 + 19 + 4 + 11);
    assert_memory_equal(out + 12, "\3www\11example-1\3com", 19);
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
        cmocka_unit_test(test_question),          cmocka_unit_test(test_question_edns),
        cmocka_unit_test(test_question_bad_edns), cmocka_unit_test(test_question_of_other_kinds),
        cmocka_unit_test(test_question_with_nul), cmocka_unit_test(test_question_lengths),
        cmocka_unit_test(test_question_names),    cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_write_question),    cmocka_unit_test(test_write_answer),
        cmocka_unit_test(test_letters),           cmocka_unit_test(test_write_answer_cut),
        cmocka_unit_test(test_write_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
