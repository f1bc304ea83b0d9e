/* Askers by TCP: many questions on one connection, halves, pieces, readers that do not read. */
#include "tests/unit/loop_real/dns_talk.h"

static struct asked kept[64];
static size_t kept_count;

/* When the test says so. */
static void keep(const struct asked *asked)
{
    kept[kept_count++ % sk_array_len(kept)] = *asked;
}

static void say_many(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, asked->by_tcp ? 0 : SK_DNS_TRUNCATED, 64, 0);
    for (unsigned i = 0; i < 64; i++)
        reply_ip(&w, asked->question.name, 60, "2600::1");
    if (asked->by_tcp)
        reply_send(asked, &w);
    else
        reply_bytes(asked, w.out, 40);
}

static const struct page pages[] = {
    {"silence.test", say_nothing}, {"*kept.test", keep}, {"*many.test", say_many}, {NULL, say_truth}};

/* --- tests ------------------------------------------------------------------------------ */

static void test_questions(void **state)
{
    struct rig rig;
    struct heard heard;
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    for (uint16_t i = 0; i < 5; i++) {
        ask_tcp(&rig, fd, "a.test", SK_DNS_A, i);
        assert_answered(&rig, fd, "a.test", i);
    }
    ask_tcp(&rig, fd, "granted.many.test", SK_DNS_AAAA, 9); /* longer than any datagram of ours */
    assert_true(hear_tcp(&rig, fd, "granted.many.test", SK_DNS_AAAA, 9, &heard));
    assert_int_equal(heard.answers, 64);
    assert_false(heard.flags & SK_DNS_TRUNCATED);
    assert_int_equal(rig.grant_count, 64);
    ask_tcp(&rig, fd, "refused.test", SK_DNS_A, 10);
    assert_true(hear_tcp(&rig, fd, "refused.test", SK_DNS_A, 10, &heard));
    assert_int_equal(rcode_of(&heard), SK_DNS_NXDOMAIN);
    (void)close(fd);
    rig_close(&rig);
}

/* Asked in one breath; answered when each is there. */
static void test_pipeline(void **state)
{
    enum { MANY = 40 };
    struct rig rig;
    uint8_t data[MANY * 64];
    size_t len = 0;
    bool seen[MANY] = {false};
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    for (uint16_t i = 0; i < MANY; i++) {
        uint8_t one[SK_DNS_FRAME_HEAD + 512];
        size_t one_len = SK_DNS_FRAME_HEAD + ask_bytes("a.test", SK_DNS_A, i, one);
        memcpy(data + len, one, one_len);
        len += one_len;
    }
    say_bytes(&rig, fd, data, len);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t answer[SK_DNS_FRAME_HEAD + 12 + 12 + 16 + 11];
        assert_true(hear_bytes(&rig, fd, answer, sizeof(answer)));
        assert_int_equal(answer[1], sizeof(answer) - SK_DNS_FRAME_HEAD);
        unsigned id = (unsigned)answer[2] << 8 | answer[3];
        assert_in_range(id, 0, MANY - 1);
        assert_false(seen[id]);
        seen[id] = true;
    }
    (void)close(fd);
    rig_close(&rig);
}

static void test_out_of_order(void **state)
{
    struct rig rig;
    (void)state;
    kept_count = 0;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    ask_tcp(&rig, fd, "kept.test", SK_DNS_A, 1);
    ask_tcp(&rig, fd, "a.test", SK_DNS_A, 2);
    assert_answered(&rig, fd, "a.test", 2);
    assert_int_equal(kept_count, 1);
    say_truth(&kept[0]);
    assert_answered(&rig, fd, "kept.test", 1);
    (void)close(fd);
    rig_close(&rig);
}

static void test_byte_by_byte(void **state)
{
    struct rig rig;
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    (void)state;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    size_t len = SK_DNS_FRAME_HEAD + ask_bytes("a.test", SK_DNS_A, 3, data);
    for (size_t i = 0; i < len; i++) {
        say_bytes(&rig, fd, data + i, 1);
        rig_run_for(&rig, 2);
    }
    assert_answered(&rig, fd, "a.test", 3);
    (void)close(fd);
    rig_close(&rig);
}

/* A peer that has said all it wants to say still hears the answers, and then the end. */
static void test_half_closed(void **state)
{
    struct rig rig;
    (void)state;
    kept_count = 0;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    ask_tcp(&rig, fd, "granted.kept.test", SK_DNS_A, 4);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(rig_await(&rig, &kept_count, 1));
    rig_run_for(&rig, 20);
    say_truth(&kept[0]);
    assert_answered(&rig, fd, "granted.kept.test", 4);
    assert_true(ends(&rig, fd));
    (void)close(fd);
    fd = talk_open(&rig);
    assert_int_equal(shutdown(fd, SHUT_WR), 0); /* nothing at all */
    assert_true(ends(&rig, fd));
    (void)close(fd);
    rig_close(&rig);
}

static void test_nonsense(void **state)
{
    static const struct sample {
        uint8_t bytes[4];
        size_t len;
    } samples[] = {{{0, 0}, 2}, {{0xFF, 0xFF}, 2}, {{8, 1}, 2}};
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        int fd = talk_open(&rig);
        say_bytes(&rig, fd, samples[i].bytes, samples[i].len);
        assert_true(ends(&rig, fd)); /* long before an idle one */
        (void)close(fd);
    }
    int fd = talk_open(&rig);
    say_bytes(&rig, fd, "\0\4abcd", 6); /* no question, but it ends where it says */
    ask_tcp(&rig, fd, "a.test", SK_DNS_A, 5);
    assert_answered(&rig, fd, "a.test", 5);
    (void)close(fd);
    rig_close(&rig);
}

enum { IDLE_MS = 400 };

static void adapt_idle(struct sk_dns_options *options)
{
    options->limits.idle = SK_MSEC(IDLE_MS);
}

static int64_t ms_since(struct sk_instant then)
{
    return sk_duration_ms(sk_instant_diff(sk_clock_boot(), then));
}

/* False: it is over. */
static bool is_answered(struct rig *rig, int fd)
{
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    struct heard heard;
    size_t len = SK_DNS_FRAME_HEAD + ask_bytes("a.test", SK_DNS_A, 6, data);
    return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len &&
           hear_tcp(rig, fd, "a.test", SK_DNS_A, 6, &heard);
}

/* Keeps a connection busy for longer than an idle one lives. One that was cut off must have been idle for so
 * long, which the machine may bring about by standing still; then another one is tried. */
static int keep_busy(struct rig *rig, int slow)
{
    int busy = talk_open(rig);
    struct sk_instant opened = sk_clock_boot(), last = opened;
    while (ms_since(opened) < 2 * IDLE_MS) {
        struct sk_instant now = sk_clock_boot();
        (void)send(slow, "x", 1, MSG_NOSIGNAL);
        if (is_answered(rig, busy)) {
            last = now;
        } else {
            assert_true(ms_since(last) >= IDLE_MS);
            (void)close(busy);
            opened = last = sk_clock_boot();
            busy = talk_open(rig);
        }
        rig_run_for(rig, 30);
    }
    return busy;
}

/* Neither silence nor dribble keeps a connection. */
static void test_idle(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_idle);
    int idle = talk_open(&rig), slow = talk_open(&rig);
    say_bytes(&rig, slow, "\1\0", 2);
    int busy = keep_busy(&rig, slow);
    assert_true(ends(&rig, idle));
    assert_true(ends(&rig, slow));
    assert_true(ends(&rig, busy)); /* once it is idle, too */
    (void)close(idle);
    (void)close(slow);
    (void)close(busy);
    rig_close(&rig);
}

/* It goes while its questions are under way; what they find is told to nobody. */
static void test_gone(void **state)
{
    struct rig rig;
    (void)state;
    kept_count = 0;
    rig_open(&rig, pages, NULL);
    int fd = talk_open(&rig);
    const struct linger now = {1, 0};
    ask_tcp(&rig, fd, "kept.test", SK_DNS_A, 7);
    ask_tcp(&rig, fd, "silence.test", SK_DNS_A, 8);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 2));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    (void)close(fd);
    rig_run_for(&rig, 20);
    say_truth(&kept[0]);
    rig_run_for(&rig, 20);
    struct heard heard = ask(&rig, "a.test", SK_DNS_A);
    assert_int_equal(heard.answers, 1);
    rig_close(&rig);
}

static void test_gone_during_grant(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    rig.mode = GRANT_WHEN_TOLD;
    int fd = talk_open(&rig);
    ask_tcp(&rig, fd, "granted.test", SK_DNS_A, 7);
    assert_true(rig_await(&rig, &rig.granted, 1));
    say_bytes(&rig, fd, "\0\0", 2); /* it is cut off */
    assert_true(rig_await(&rig, &rig.cancelled, 1));
    rig_run_for(&rig, 5);
    (void)close(fd);
    rig_close(&rig);
}

/* The forwarder closes, or is not listened to, under a connection's questions. */
static void test_closed(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    struct sk_names *names = sk_dns_base(rig.dns);
    int fd = talk_open(&rig);
    ask_tcp(&rig, fd, "silence.test", SK_DNS_A, 7);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 1));
    names->ops->listen(names, NULL, NULL);
    rig_run_for(&rig, 5);
    int other = talk_open(&rig);
    assert_true(ends(&rig, other)); /* nobody to ask whose it is */
    names->ops->listen(names, &rig_events, &rig);
    ask_tcp(&rig, fd, "silence.test", SK_DNS_A, 8);
    assert_true(rig_await(&rig, &rig.far[0].by_udp, 2));
    rig_close_dns(&rig);
    assert_true(ends(&rig, fd));
    (void)close(fd);
    (void)close(other);
    rig_close(&rig);
}

static int64_t fast_idle_ms;

static void adapt_fast(struct sk_dns_options *options)
{
    options->rate = 100000;
    options->limits.idle = SK_MSEC(fast_idle_ms);
}

/* Asks for ever and reads nothing, until it is cut off; how many questions were answered. */
static size_t ask_for_ever(void)
{
    struct rig rig;
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    const int small = 4096;
    rig_open(&rig, pages, adapt_fast);
    int fd = talk_open(&rig);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    size_t len = SK_DNS_FRAME_HEAD + ask_bytes("granted.many.test", SK_DNS_AAAA, 3, data);
    bool over = false;
    for (size_t at = 0; !over;) {
        ssize_t sent = send(fd, data + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        over = sent < 0 && errno != EAGAIN;
        at = sent > 0 ? (at + (size_t)sent) % len : at;
        if (sent < 0)
            rig_run_for(&rig, 1);
    }
    assert_int_equal(rig.rate, 0);
    (void)close(fd);
    rig_close(&rig);
    return rig.granted;
}

/* It is not read from any more, and cut off at last: by a machine that stands still perhaps before it has
 * been read from, so it is given longer until it has. */
static void test_reads_nothing(void **state)
{
    size_t granted = 0;
    (void)state;
    for (fast_idle_ms = IDLE_MS; granted < 5; fast_idle_ms *= 2)
        granted = ask_for_ever();
    assert_in_range(granted, 5, 5000); /* what fits into the sockets, and not much more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_gone_during_grant),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_reads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
