/* Resolvers that are late, silent, cut off or not there. */
#include "tests/unit/loop_real/dns_rig.h"

static bool is_second(const struct asked *asked)
{
    return asked->far->ip.is_v6;
}

static void say_cut(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, SK_DNS_TRUNCATED, 0, 0);
    if (asked->by_tcp)
        say_truth(asked);
    else
        reply_send(asked, &w);
}

/* By TCP, in pieces, more than a datagram takes. */
static void say_much(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, asked->by_tcp ? 0 : SK_DNS_TRUNCATED, 100, 0);
    for (unsigned i = 0; i < 100; i++)
        reply_ip(&w, asked->question.name, 60, "1.2.3.4");
    if (asked->by_tcp)
        reply_send(asked, &w);
    else
        reply_bytes(asked, w.out, 400);
}

static void say_cut_for_ever(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, SK_DNS_TRUNCATED, 0, 0);
    reply_send(asked, &w);
}

/* By TCP it ends before it has begun, or says too much. */
static void say_cut_and_hang_up(const struct asked *asked)
{
    if (asked->by_tcp)
        (void)shutdown(asked->fd, SHUT_RDWR);
    else
        say_cut(asked);
}

static void say_cut_and_flood(const struct asked *asked)
{
    static const uint8_t huge[60000] = {0xFF, 0xFF};
    if (asked->by_tcp)
        reply_bytes(asked, huge, sizeof(huge));
    else
        say_cut(asked);
}

static void say_failure(const struct asked *asked)
{
    reply_code(asked, SK_DNS_SERVFAIL);
}

static void say_failure_first(const struct asked *asked)
{
    if (is_second(asked))
        say_truth(asked);
    else
        reply_code(asked, SK_DNS_REFUSED);
}

static void say_silence_first(const struct asked *asked)
{
    if (is_second(asked))
        say_truth(asked);
}

/* Only when it is asked again. */
static void say_at_second_try(const struct asked *asked)
{
    if (asked->far->by_udp > 1)
        say_truth(asked);
}

static const struct page pages[] = {
    {"cut.test", say_cut},
    {"much.test", say_much},
    {"forever.test", say_cut_for_ever},
    {"hangup.test", say_cut_and_hang_up},
    {"flood.test", say_cut_and_flood},
    {"failure.test", say_failure},
    {"failurefirst.test", say_failure_first},
    {"silencefirst.test", say_silence_first},
    {"second.test", say_at_second_try},
    {"silence.test", say_nothing},
    {NULL, say_truth},
};

/* --- tests ------------------------------------------------------------------------------ */

static void test_cut(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    assert_truth(&rig, "cut.test");
    assert_int_equal(rig.far[0].by_tcp, 1);
    struct heard heard = ask(&rig, "much.test", SK_DNS_A);
    assert_int_equal(rig.far[0].by_tcp, 2);
    assert_int_equal(heard.answers, SK_DNS_ADDRESSES_MAX);
    rig_close(&rig);
}

static void test_cut_in_vain(void **state)
{
    static const char *const names[] = {"forever.test", "hangup.test", "flood.test"};
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (size_t i = 0; i < sk_array_len(names); i++)
        assert_failure(&rig, names[i]);
    assert_in_range(rig.far[0].by_tcp, sk_array_len(names), 3 * sk_array_len(names));
    rig_close(&rig);
}

static void test_failures(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    assert_failure(&rig, "failure.test"); /* each says so once, and is asked no more */
    assert_int_equal(rig.far[0].by_udp, 1);
    assert_int_equal(rig.far[1].by_udp, 1);
    assert_truth(&rig, "failurefirst.test");
    rig_close(&rig);
}

static void test_silence(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, rig_hasty);
    struct sk_instant before = sk_clock_boot();
    assert_failure(&rig, "silence.test");
    int64_t took = sk_duration_ms(sk_instant_diff(sk_clock_boot(), before));
    assert_true(took >= 890); /* three rounds of two tries of 150 ms */
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 3) && rig_await(&rig, &rig.far[1].by_udp, 3));
    assert_int_equal(rig.far[0].by_udp, 3);
    assert_int_equal(rig.far[1].by_udp, 3);
    rig_close(&rig);
}

static void adapt_whole(struct sk_dns_options *options)
{
    options->limits.whole = SK_MSEC(HASTE_MS);
}

/* The time for all tries ends the first one, too. */
static void test_silence_in_all(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_whole);
    assert_failure(&rig, "silence.test");
    assert_int_equal(rig.far[1].by_udp, 0);
    rig_close(&rig);
}

static void adapt_one(struct sk_dns_options *options)
{
    options->upstream_count = 1;
    options->limits.one_try = SK_MSEC(500);
}

static void test_second_try(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_one);
    assert_truth(&rig, "second.test");
    assert_in_range(rig.far[0].by_udp, 2, 3); /* once more when the answer is not read in time */
    assert_true(rig.far[0].ids[0] != rig.far[0].ids[1] || rig.far[0].ports[0] != rig.far[0].ports[1]);
    rig_close(&rig);
}

/* After three silences the first resolver is asked last. */
static void test_rest(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, rig_hasty);
    struct sk_instant before;
    size_t asked;
    do { /* again when the second was not heard within a try, so that the first had to be asked after all */
        for (unsigned i = 0; i < 3; i++)
            assert_truth(&rig, "silencefirst.test");
        assert_true(rig_await(&rig, &rig.far[0].by_udp, 3));
        rig_run_for(&rig, 5);
        asked = rig.far[0].by_udp;
        before = sk_clock_boot();
        assert_truth(&rig, "a.test");
        assert_truth(&rig, "a.test");
    } while (sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)) >= HASTE_MS);
    assert_int_equal(rig.far[0].by_udp, asked);
    assert_true(rig.far[1].by_udp >= 5);
    rig_close(&rig);
}

static void test_nobody_there(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    far_stop_udp(&rig.far[0]);
    assert_truth(&rig, "a.test"); /* the kernel says so: no try is waited for */
    far_stop_udp(&rig.far[1]);
    assert_failure(&rig, "a.test");
    rig_close(&rig);
}

static void test_nobody_there_by_tcp(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    far_stop_tcp(&rig.far[0]);
    assert_truth(&rig, "cut.test");
    assert_int_equal(rig.far[0].by_tcp, 0);
    assert_int_equal(rig.far[1].by_tcp, 1);
    rig_close(&rig);
}

/* Closed while questions are under way. */
static void test_close(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    ask_udp(fd, "silence.test", SK_DNS_A, 1);
    ask_udp(fd, "hangup.test", SK_DNS_A, 2);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 2));
    rig_close(&rig);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_in_vain),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_in_all),
        cmocka_unit_test(test_second_try),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_nobody_there_by_tcp),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
