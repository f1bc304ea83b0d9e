/* How many connections there may be, and whose. */
#include "tests/unit/loop_real/dns_talk.h"

static const struct page pages[] = {{"silence.test", say_nothing}, {NULL, say_truth}};

static void adapt_few(struct sk_dns_options *options)
{
    options->limits.connections_each = 3;
    options->limits.connections_all = 4;
}

static void test_too_many(void **state)
{
    struct rig rig;
    int fds[6];
    (void)state;
    rig_open(&rig, pages, adapt_few);
    for (size_t i = 0; i < 3; i++)
        fds[i] = talk_open(&rig);
    rig_run_for(&rig, 10);
    fds[3] = talk_open(&rig);
    assert_true(ends(&rig, fds[3])); /* its fourth */
    ask_tcp(&rig, fds[0], "silence.test", SK_DNS_A, 1);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 1));
    fds[4] = asker_open(&rig, "127.0.0.10", SOCK_STREAM);
    fds[5] = asker_open(&rig, "127.0.0.10", SOCK_STREAM); /* the fifth of all */
    assert_true(ends(&rig, fds[1]));                      /* idle longest, and nothing of it under way */
    assert_false(ends_within(&rig, fds[0], 5));
    ask_tcp(&rig, fds[5], "a.test", SK_DNS_A, 2);
    assert_answered(&rig, fds[5], "a.test", 2);
    (void)close(fds[5]);
    rig_run_for(&rig, 10);
    fds[5] = talk_open(&rig); /* a place is free again */
    ask_tcp(&rig, fds[5], "a.test", SK_DNS_A, 3);
    assert_answered(&rig, fds[5], "a.test", 3);
    for (size_t i = 0; i < sk_array_len(fds); i++)
        (void)close(fds[i]);
    rig_close(&rig);
}

static void test_all_busy(void **state)
{
    struct rig rig;
    int fds[4];
    (void)state;
    rig_open(&rig, pages, adapt_few);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = asker_open(&rig, i % 2 ? "127.0.0.10" : "127.0.0.11", SOCK_STREAM);
        ask_tcp(&rig, fds[i], "silence.test", SK_DNS_A, 1);
    }
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 4));
    int fd = talk_open(&rig);
    assert_true(ends(&rig, fd));
    (void)close(fd);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    rig_close(&rig);
}

static void test_nobody(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.66", SOCK_STREAM);
    assert_true(ends(&rig, fd));
    (void)close(fd);
    fd = asker_open(&rig, "::1", SOCK_STREAM);
    ask_tcp(&rig, fd, "a.test", SK_DNS_A, 3);
    assert_answered(&rig, fd, "a.test", 3);
    (void)close(fd);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_all_busy),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
