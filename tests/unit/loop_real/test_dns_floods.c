/* Askers that ask too much, or nonsense: bounded in number, in time and in memory; others are answered. */
#include "tests/unit/loop_real/dns_rig.h"

#include <malloc.h>
#include <sys/resource.h>

static struct asked held[16];
static size_t held_count;

/* Until the test answers. */
static void hold(const struct asked *asked)
{
    held[held_count++ % sk_array_len(held)] = *asked;
}

static const struct page pages[] = {{"*silence.test", say_nothing}, {"held.test", hold}, {NULL, say_truth}};

/* How many answers come until none comes for a while. */
static size_t count_answers(struct rig *rig, int fd)
{
    uint8_t out[512];
    size_t count = 0;
    while (hear_udp(rig, fd, out, sizeof(out), 100) >= 0)
        count++;
    return count;
}

static void adapt_rate(struct sk_dns_options *options)
{
    options->rate = 10;
}

static void test_rate(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_rate);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM), other = asker_open(&rig, "127.0.0.10", SOCK_DGRAM);
    struct sk_instant began = sk_clock_boot();
    for (unsigned i = 0; i < 200; i++)
        ask_udp(fd, i % 2 ? "a.test" : "refused.test", SK_DNS_A, (uint16_t)i);
    ask_udp(other, "a.test", SK_DNS_A, 1);
    size_t answers = count_answers(&rig, fd);
    size_t s = seconds_since(began);
    assert_in_range(answers, 20, 20 + 10 * s); /* two seconds' worth at once, and those that came due since */
    assert_in_range(rig.rate, 1, s);           /* told once a second */
    assert_non_null(strstr(rig.denied_name, ".test"));
    assert_int_equal(count_answers(&rig, other), 1);
    size_t told = rig.rate;
    began = sk_clock_boot();
    rig_run_for(&rig, 1000);
    for (unsigned i = 0; i < 100; i++)
        ask_udp(fd, "a.test", SK_DNS_A, (uint16_t)i);
    answers = count_answers(&rig, fd);
    s = seconds_since(began);
    assert_in_range(answers, 8, 20 + 10 * s);
    assert_in_range(rig.rate, told + 1, told + s);
    (void)close(fd);
    (void)close(other);
    rig_close(&rig);
}

static void adapt_few(struct sk_dns_options *options)
{
    options->limits.questions_each = 3;
    options->limits.questions_all = 5;
}

static void test_under_way(void **state)
{
    struct rig rig;
    (void)state;
    held_count = 0;
    rig_open(&rig, pages, adapt_few);
    struct sk_instant began = sk_clock_boot();
    int one = asker_open(&rig, "127.0.0.9", SOCK_DGRAM), two = asker_open(&rig, "127.0.0.10", SOCK_DGRAM);
    for (unsigned i = 0; i < 10; i++)
        ask_udp(one, "held.test", SK_DNS_A, (uint16_t)i);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 3));
    rig_run_for(&rig, 50);
    assert_int_equal(rig.far[0].by_udp, 3);
    for (unsigned i = 0; i < 10; i++)
        ask_udp(two, "held.test", SK_DNS_A, (uint16_t)i);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 5));
    assert_true(rig_await(&rig, &rig.rate, 2));
    rig_run_for(&rig, 50);
    assert_int_equal(rig.far[0].by_udp, 5);
    assert_in_range(rig.rate, 2, 2 * seconds_since(began)); /* one complaint of each, once a second */
    ask_udp(one, "refused.test", SK_DNS_A, 1);
    assert_int_equal(count_answers(&rig, one), 1); /* what is answered here needs no room */
    for (size_t i = 0; i < 5; i++)
        say_truth(&held[i]);
    assert_int_equal(count_answers(&rig, one), 3);
    assert_int_equal(count_answers(&rig, two), 2);
    struct heard heard = ask(&rig, "a.test", SK_DNS_A); /* and there is room again */
    assert_int_equal(heard.answers, 1);
    (void)close(one);
    (void)close(two);
    rig_close(&rig);
}

static void test_garbage(void **state)
{
    struct rig rig;
    uint8_t junk[4000];
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    srand(7);
    for (unsigned i = 0; i < 5000; i++) {
        size_t len = (size_t)rand() % (i % 50 ? 80 : sizeof(junk));
        for (size_t j = 0; j < len; j++)
            junk[j] = (uint8_t)rand();
        if (len > 12 && i % 2)
            memcpy(junk + 2, "\1\0\0\1\0\0\0\0\0\0", 10); /* a question, if it were one */
        (void)send(fd, junk, len, 0);
        if (i % 20 == 0)
            rig_run_for(&rig, 1);
    }
    (void)count_answers(&rig, fd);
    struct heard heard = ask_within(&rig, "127.0.0.10", "a.test", SK_DNS_A, PATIENCE);
    assert_int_equal(heard.answers, 1);
    (void)close(fd);
    rig_close(&rig);
}

/* Cut anywhere, a question is none, and nobody is asked for it. */
static void test_cut_questions(void **state)
{
    struct rig rig;
    uint8_t data[SK_DNS_FRAME_HEAD + 512], out[512];
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = asker_open(&rig, "127.0.0.9", SOCK_DGRAM);
    size_t whole = ask_bytes("a.test", SK_DNS_A, 1, data);
    for (size_t len = 0; len < whole; len++)
        assert_int_equal(send(fd, data + SK_DNS_FRAME_HEAD, len, 0), len);
    assert_int_equal(hear_udp(&rig, fd, out, sizeof(out), 100), -1);
    assert_int_equal(rig.asked, 0);
    (void)close(fd);
    rig_close(&rig);
}

static void adapt_many(struct sk_dns_options *options)
{
    options->upstream_count = 1;
}

/* 2000 questions under way: each costs its descriptor and a few kilobytes. */
static void test_memory(void **state)
{
    enum { ASKERS = 40, EACH = 64, ALL = 2000 };
    struct rig rig;
    int fds[ASKERS];
    struct rlimit files;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < ALL + 200)
        skip();
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    rig_open(&rig, pages, adapt_many);
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < ASKERS; i++) {
        char from[SK_IP_TEXT_MAX];
        (void)snprintf(from, sizeof(from), "127.0.1.%u", i + 70);
        fds[i] = asker_open(&rig, from, SOCK_DGRAM);
        for (unsigned j = 0; j < EACH; j++)
            ask_udp(fds[i], "silence.test", SK_DNS_A, (uint16_t)j);
        size_t so_far = (i + 1) * EACH;
        assert_true(rig_await(&rig, &rig.far[0].by_udp, so_far < ALL ? so_far : ALL));
    }
    rig_run_for(&rig, 20);
    assert_int_equal(rig.far[0].by_udp, ALL);
    size_t grown = mallinfo2().uordblks - before;
    print_message("%zu bytes a question\n", grown / ALL);
    assert_in_range(grown, 0, ALL * (size_t)4096);
    rig_close(&rig);
    for (unsigned i = 0; i < ASKERS; i++)
        (void)close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),    cmocka_unit_test(test_under_way),
        cmocka_unit_test(test_garbage), cmocka_unit_test(test_cut_questions),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
