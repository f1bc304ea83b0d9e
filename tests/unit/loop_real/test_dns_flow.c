/* What askers are told: addresses, nothing, refusals; what is granted first. */
#include "tests/unit/loop_real/dns_rig.h"

static void say_chain(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 4, 0);
    reply_alias(&w, "granted.chain.test", "b.example.net", 100000);
    reply_alias(&w, "b.example.net", "c.example.net", 40);
    reply_ip(&w, "c.example.net", 100000, "1.2.3.4");
    reply_ip(&w, "c.example.net", 20, "1.2.3.5");
    reply_send(asked, &w);
}

static void say_long(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 1, 0);
    reply_ip(&w, asked->question.name, 1000000, "1.2.3.4");
    reply_send(asked, &w);
}

static void say_none(const struct asked *asked)
{
    static const uint8_t soa[] = {1, 'a', 0, 1, 'b', 0, [25] = 60};
    struct sk_dns_writer w = reply_begin(asked, SK_DNS_NXDOMAIN, 0, 1);
    reply_record(&w, "test", SK_DNS_TYPE_SOA, 300, soa, sizeof(soa));
    reply_send(asked, &w);
}

static void say_empty(const struct asked *asked)
{
    reply_code(asked, SK_DNS_NOERROR);
}

static void say_private(const struct asked *asked)
{
    reply_one(asked, "10.1.2.3", "fd00::1");
}

static void say_loopback(const struct asked *asked)
{
    reply_one(asked, "127.0.0.1", "::1");
}

static void say_mixed(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 4, 0);
    reply_ip(&w, asked->question.name, 300, "192.168.1.1");
    reply_ip(&w, asked->question.name, 300, "1.2.3.4");
    reply_ip(&w, asked->question.name, 300, "169.254.169.254");
    reply_ip(&w, asked->question.name, 300, "100.64.0.1");
    reply_send(asked, &w);
}

static void say_many(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 30, 0);
    for (unsigned i = 0; i < 30; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "1.2.3.%u", i);
        reply_ip(&w, asked->question.name, 300, text);
    }
    reply_send(asked, &w);
}

static const struct page pages[] = {
    {"loop.lan.test", say_loopback},
    {"granted.chain.test", say_chain},
    {"granted.long.test", say_long},
    {"*none.test", say_none},
    {"*empty.test", say_empty},
    {"*private.test", say_private},
    {"*lan.test", say_private},
    {"*loopback.test", say_loopback},
    {"*mixed.test", say_mixed},
    {"*many.test", say_many},
    {NULL, say_truth},
};

/* --- tests ------------------------------------------------------------------------------ */

static void test_addresses(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "WWW.Example.com", SK_DNS_A);
    assert_string_equal(rig.asked_name, "www.example.com");
    assert_memory_equal(heard.bytes + SK_DNS_HEADER_LEN, "\3WWW\7Example\3com", 17);
    assert_int_equal(rcode_of(&heard), SK_DNS_NOERROR);
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, "1.2.3.4");
    assert_int_equal(heard.answer.addresses[0].ttl_s, 300);
    heard = ask(&rig, "www.example.com", SK_DNS_AAAA);
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, "2600::1");
    assert_int_equal(rig.far[0].by_udp, 2);
    assert_int_equal(rig.far[1].by_udp, 0); /* the first is enough */
    assert_true(rig.far[0].all_had_edns);
    assert_int_equal(rig.granted, 0);
    rig_close(&rig);
}

static void test_asker_of_ipv6(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask_within(&rig, "::1", "granted.test", SK_DNS_A, PATIENCE);
    assert_int_equal(heard.answers, 1);
    assert_true(rig.granted_to.is_v6);
    assert_int_equal(rig.granted_to.bytes[15], 1);
    rig_close(&rig);
}

static void test_nothing_there(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "granted.none.test", SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_NXDOMAIN);
    assert_int_equal(heard.answers, 0);
    heard = ask(&rig, "granted.empty.test", SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_NOERROR);
    assert_int_equal(heard.answers, 0);
    assert_int_equal(rig.granted, 0); /* there is nothing to grant */
    assert_int_equal(rig.far[1].by_udp, 0);
    rig_close(&rig);
}

/* Who may not ask hears so, or nothing; nobody else is asked. */
static void test_leaves(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "refused.test", SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_NXDOMAIN);
    assert_int_equal(rig.refused, 1);
    assert_string_equal(rig.denied_name, "refused.test");
    heard = ask_within(&rig, "127.0.0.66", "a.test", SK_DNS_A, 100);
    assert_int_equal(heard.len, -1);
    assert_int_equal(rig.asked, 2);
    assert_int_equal(rig.far[0].by_udp + rig.far[1].by_udp, 0);
    rig_close(&rig);
}

static void test_other_types(void **state)
{
    static const struct sample {
        unsigned type, rcode;
    } samples[] = {{SK_DNS_HTTPS, SK_DNS_NOERROR},
                   {SK_DNS_SVCB, SK_DNS_NOERROR},
                   {16, SK_DNS_NOTIMP},
                   {15, SK_DNS_NOTIMP},
                   {12, SK_DNS_NOTIMP},
                   {33, SK_DNS_NOTIMP},
                   {255, SK_DNS_NOTIMP},
                   {SK_DNS_CNAME, SK_DNS_NOTIMP}};
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct heard heard = ask(&rig, i % 2 ? "granted.test" : "a.test", samples[i].type);
        assert_int_equal(rcode_of(&heard), samples[i].rcode);
        assert_int_equal(heard.answers, 0);
    }
    struct heard heard = ask(&rig, "refused.test", SK_DNS_HTTPS);
    assert_int_equal(rcode_of(&heard), SK_DNS_NXDOMAIN);
    assert_int_equal(rig.far[0].by_udp + rig.far[1].by_udp, 0);
    rig_close(&rig);
}

/* Well-formed, but no question as they are known here. */
static void test_other_kinds(void **state)
{
    struct rig rig;
    uint8_t data[SK_DNS_FRAME_HEAD + 512], out[512];
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM), nobody = asker_open(&rig, "127.0.0.66", SOCK_DGRAM);
    size_t len = ask_bytes("a.test", SK_DNS_A, 5, data);
    data[SK_DNS_FRAME_HEAD + 2] |= 0x10; /* a STATUS */
    assert_int_equal(send(fd, data + SK_DNS_FRAME_HEAD, len, 0), len);
    assert_int_equal(hear_udp(&rig, fd, out, sizeof(out), PATIENCE), SK_DNS_HEADER_LEN);
    assert_memory_equal(out, "\0\5\x81\x84\0\0\0\0\0\0\0\0", SK_DNS_HEADER_LEN);
    assert_int_equal(send(nobody, data + SK_DNS_FRAME_HEAD, len, 0), len);
    assert_int_equal(hear_udp(&rig, nobody, out, sizeof(out), 100), -1);
    (void)close(fd);
    (void)close(nobody);
    rig_close(&rig);
}

static void test_grants(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "granted.chain.test", SK_DNS_A);
    assert_int_equal(heard.answers, 2);
    assert_address(&heard, 1, "1.2.3.5");
    assert_int_equal(rig.granted, 1);
    assert_int_equal(rig.grant_count, 2);
    assert_true(sk_ip_equal(&rig.grants[0].ip, &heard.answer.addresses[0].ip));
    assert_int_equal(rig.grants[0].lifetime_s, 40); /* the least of the chain */
    assert_int_equal(rig.grants[1].lifetime_s, 20);
    assert_int_equal(heard.answer.addresses[1].ttl_s, 20);
    heard = ask(&rig, "granted.long.test", SK_DNS_A);
    assert_int_equal(heard.answer.addresses[0].ttl_s, 3600); /* no longer than a grant can live */
    assert_int_equal(rig.grants[0].lifetime_s, 3600);
    rig_close(&rig);
}

static void test_grant_fails(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    rig.mode = GRANT_NOT;
    struct heard heard = ask(&rig, "granted.test", SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_SERVFAIL);
    assert_int_equal(heard.answers, 0);
    rig_close(&rig);
}

/* Nothing is told before the grant is there. */
static void test_grant_comes_first(void **state)
{
    struct rig rig;
    uint8_t out[512];
    (void)state;
    rig_open(&rig, pages, NULL);
    rig.mode = GRANT_WHEN_TOLD;
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    ask_udp(fd, "granted.test", SK_DNS_A, 5);
    assert_true(rig_await(&rig, &rig.granted, 1));
    assert_int_equal(hear_udp(&rig, fd, out, sizeof(out), 100), -1);
    sk_done_later(rig.loop, sk_take(rig.held), NULL);
    assert_true(hear_udp(&rig, fd, out, sizeof(out), PATIENCE) > 0);
    (void)close(fd);
    rig_close(&rig);
}

/* The asker, the forwarder or the listener goes while a grant is under way: it is waited for, and told to
 * nobody. */
static void test_gone_during_grant(void **state)
{
    struct rig rig;
    uint8_t out[512];
    (void)state;
    rig_open(&rig, pages, NULL);
    rig.mode = GRANT_WHEN_TOLD;
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    struct sk_names *names = sk_dns_base(rig.dns);
    ask_udp(fd, "granted.test", SK_DNS_A, 5);
    assert_true(rig_await(&rig, &rig.granted, 1));
    names->ops->listen(names, NULL, NULL);
    assert_int_equal(rig.cancelled, 1);
    assert_int_equal(hear_udp(&rig, fd, out, sizeof(out), 50), -1);
    names->ops->listen(names, &rig_events, &rig);
    ask_udp(fd, "granted.test", SK_DNS_A, 5);
    assert_true(rig_await(&rig, &rig.granted, 2));
    rig_close_dns(&rig);
    assert_int_equal(rig.cancelled, 2);
    (void)close(fd);
    rig_close(&rig);
}

static void test_nobody_listens(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct sk_names *names = sk_dns_base(rig.dns);
    names->ops->listen(names, NULL, NULL);
    struct heard heard = ask_within(&rig, "127.0.0.9", "a.test", SK_DNS_A, 100);
    assert_int_equal(heard.len, -1);
    names->ops->listen(names, &rig_events, &rig);
    heard = ask(&rig, "a.test", SK_DNS_A);
    assert_int_equal(heard.answers, 1);
    rig_close(&rig);
}

/* --- addresses that are not told ------------------------------------------------------------- */

static void test_private(void **state)
{
    static const char *const names[] = {"a.private.test", "granted.private.test", "a.loopback.test",
                                        "loop.lan.test"};
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (size_t i = 0; i < 2 * sk_array_len(names); i++) {
        struct heard heard = ask(&rig, names[i / 2], i % 2 ? SK_DNS_AAAA : SK_DNS_A);
        assert_int_equal(rcode_of(&heard), SK_DNS_NOERROR);
        assert_int_equal(heard.answers, 0);
        assert_int_equal(rig.private, i + 1);
        assert_string_equal(rig.denied_name, names[i / 2]);
    }
    assert_int_equal(rig.granted, 0);
    rig_close(&rig);
}

static void test_internal_names(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "granted.deep.lan.test", SK_DNS_A);
    assert_address(&heard, 0, "10.1.2.3");
    assert_int_equal(rig.granted, 1);
    heard = ask(&rig, "a.lan.test", SK_DNS_AAAA);
    assert_address(&heard, 0, "fd00::1");
    heard = ask(&rig, "lan.test", SK_DNS_A); /* the name itself lies not below it */
    assert_int_equal(heard.answers, 0);
    assert_int_equal(rig.private, 1);
    rig_close(&rig);
}

static void test_some_are_private(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct heard heard = ask(&rig, "granted.mixed.test", SK_DNS_A);
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, "1.2.3.4");
    assert_int_equal(rig.grant_count, 1);
    assert_int_equal(rig.private, 0);
    rig_close(&rig);
}

/* Longer than the asker takes by UDP: cut, and said so; all of it is granted. */
static void test_cut(void **state)
{
    struct rig rig;
    uint8_t data[SK_DNS_FRAME_HEAD + 512], out[4096];
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    size_t len = ask_bytes("granted.many.test", SK_DNS_A, 5, data);
    data[SK_DNS_FRAME_HEAD + 11] = 0; /* no EDNS */
    assert_int_equal(send(fd, data + SK_DNS_FRAME_HEAD, len - 11, 0), len - 11);
    ssize_t got = hear_udp(&rig, fd, out, sizeof(out), PATIENCE);
    assert_in_range(got, 400, 512);
    assert_true(out[2] & 2);
    assert_int_equal(rig.grant_count, 30);
    struct heard heard = ask(&rig, "granted.many.test", SK_DNS_A);
    assert_int_equal(heard.answers, 30);
    assert_false(heard.flags & SK_DNS_TRUNCATED);
    (void)close(fd);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_asker_of_ipv6),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_grant_fails),
        cmocka_unit_test(test_grant_comes_first),
        cmocka_unit_test(test_gone_during_grant),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_internal_names),
        cmocka_unit_test(test_some_are_private),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
