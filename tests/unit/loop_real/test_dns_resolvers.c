/* Resolvers that lie, are late, cut off, or are not there: nothing of it reaches an asker. */
#include "tests/unit/loop_real/dns_rig.h"

#include <sys/stat.h>

#define SOME "1.2.3.4"

static void say_truth(const struct asked *asked)
{
    reply_one(asked, SOME, "2600::1");
}

static void say_nothing(const struct asked *asked)
{
    (void)asked;
}

static bool is_second(const struct asked *asked)
{
    return asked->far->ip.is_v6;
}

/* --- lies --------------------------------------------------------------------------- */

/* What is wrong comes first; the truth, if there is one, later. */
static void lie(const struct asked *asked, void (*spoil)(struct asked *lie))
{
    struct asked other = *asked;
    spoil(&other);
    reply_one(&other, "6.6.6.6", "2600::6");
}

static void spoil_id(struct asked *other)
{
    other->question.id ^= 1;
}

static void spoil_name(struct asked *other)
{
    other->question.name[0] = 'x';
}

static void spoil_type(struct asked *other)
{
    other->question.type = other->question.type == SK_DNS_A ? SK_DNS_AAAA : SK_DNS_A;
}

static void say_other_id(const struct asked *asked)
{
    lie(asked, spoil_id);
    say_truth(asked);
}

static void say_other_name(const struct asked *asked)
{
    lie(asked, spoil_name);
    say_truth(asked);
}

static void say_other_type(const struct asked *asked)
{
    lie(asked, spoil_type);
    say_truth(asked);
}

static void say_question(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 0, 0);
    w.out[2] = 1; /* it is none */
    reply_send(asked, &w);
    say_truth(asked);
}

static void say_garbage(const struct asked *asked)
{
    static const uint8_t junk[3000] = {1, 2, 3};
    reply_bytes(asked, "", 0);
    reply_bytes(asked, junk, 5);
    reply_bytes(asked, junk, sizeof(junk));
    say_truth(asked);
}

static void say_loop(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 3, 0);
    reply_alias(&w, asked->question.name, "b.test", 60);
    reply_alias(&w, "b.test", asked->question.name, 60);
    reply_ip(&w, "b.test", 60, "6.6.6.6");
    reply_send(asked, &w);
}

/* An address of a name that was not asked for. */
static void say_beside(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 2, 0);
    reply_ip(&w, "bank.test", 60, "6.6.6.6");
    reply_ip(&w, asked->question.name, 60, SOME);
    reply_send(asked, &w);
}

/* From another socket, with everything right. */
static void say_from_elsewhere(const struct asked *asked)
{
    struct asked other = *asked;
    struct sk_ip ip = ip_of("127.0.0.3");
    other.fd = bound_socket(&ip, SOCK_DGRAM, 0);
    reply_one(&other, "6.6.6.6", "2600::6");
    (void)close(other.fd);
    say_truth(asked);
}

/* So many that one may be right by chance; by TCP it tells the truth. */
static void say_guesses(const struct asked *asked)
{
    struct asked other = *asked;
    if (asked->by_tcp) {
        say_truth(asked);
        return;
    }
    for (unsigned i = 1; i < 100; i++) {
        other.question.id = (uint16_t)(asked->question.id + i);
        reply_one(&other, "6.6.6.6", "2600::6");
    }
}

/* --- faults --------------------------------------------------------------------------- */

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
        reply_ip(&w, asked->question.name, 60, SOME);
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

static void say_cut_and_lie(const struct asked *asked)
{
    if (asked->by_tcp)
        lie(asked, spoil_id);
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
    {"otherid.test", say_other_id},
    {"othername.test", say_other_name},
    {"othertype.test", say_other_type},
    {"question.test", say_question},
    {"garbage.test", say_garbage},
    {"loop.test", say_loop},
    {"beside.test", say_beside},
    {"elsewhere.test", say_from_elsewhere},
    {"guesses.test", say_guesses},
    {"cut.test", say_cut},
    {"much.test", say_much},
    {"forever.test", say_cut_for_ever},
    {"hangup.test", say_cut_and_hang_up},
    {"flood.test", say_cut_and_flood},
    {"liar.test", say_cut_and_lie},
    {"failure.test", say_failure},
    {"failurefirst.test", say_failure_first},
    {"silencefirst.test", say_silence_first},
    {"second.test", say_at_second_try},
    {"silence.test", say_nothing},
    {NULL, say_truth},
};

/* --- tests ------------------------------------------------------------------------------ */

static void assert_truth(struct rig *rig, const char *name)
{
    struct heard heard = ask(rig, name, SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_NOERROR);
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, SOME);
}

static void assert_failure(struct rig *rig, const char *name)
{
    size_t before = rig->upstream;
    struct heard heard = ask(rig, name, SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_SERVFAIL);
    assert_int_equal(heard.answers, 0);
    assert_int_equal(rig->upstream, before + 1);
    assert_string_equal(rig->denied_name, name);
}

static void test_lies(void **state)
{
    static const char *const names[] = {"otherid.test", "othername.test", "othertype.test", "question.test",
                                        "garbage.test", "beside.test",    "elsewhere.test"};
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (size_t i = 0; i < sk_array_len(names); i++)
        assert_truth(&rig, names[i]);
    assert_int_equal(rig.far[0].by_udp, sk_array_len(names)); /* at the first try */
    assert_int_equal(rig.far[1].by_udp, 0);
    assert_int_equal(rig.upstream, 0);
    rig_close(&rig);
}

static void test_loop(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    assert_failure(&rig, "loop.test");
    rig_close(&rig);
}

static void test_guesses(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    assert_truth(&rig, "guesses.test");
    assert_int_equal(rig.far[0].by_udp, 1);
    assert_int_equal(rig.far[0].by_tcp, 1);
    rig_close(&rig);
}

/* Nothing to guess by: each question comes from another port, under another id. */
static void test_ports_and_ids(void **state)
{
    enum { MANY = 100 };
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (unsigned i = 0; i < MANY; i++)
        assert_truth(&rig, "a.test");
    size_t same_port = 0, same_id = 0, next = 0;
    for (size_t i = 1; i < MANY; i++) {
        for (size_t j = 0; j < i; j++) {
            same_port += rig.far[0].ports[i] == rig.far[0].ports[j];
            same_id += rig.far[0].ids[i] == rig.far[0].ids[j];
        }
        next += (unsigned)abs(rig.far[0].ports[i] - rig.far[0].ports[i - 1]) <= 2;
    }
    assert_in_range(same_port, 0, 20); /* 4950 pairs of 28000 ports */
    assert_in_range(same_id, 0, 10);
    assert_in_range(next, 0, 5);
    rig_close(&rig);
}

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
    static const char *const names[] = {"forever.test", "hangup.test", "flood.test", "liar.test"};
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
    rig_open(&rig, pages, NULL);
    struct sk_instant before = sk_clock_boot();
    assert_failure(&rig, "silence.test");
    int64_t took = sk_duration_ms(sk_instant_diff(sk_clock_boot(), before));
    assert_in_range(took, 890, 3000); /* three rounds of two tries of 150 ms */
    assert_int_equal(rig.far[0].by_udp, 3);
    assert_int_equal(rig.far[1].by_udp, 3);
    rig_close(&rig);
}

static void adapt_one(struct sk_dns_options *options)
{
    options->upstream_count = 1;
}

static void test_second_try(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_one);
    assert_truth(&rig, "second.test");
    assert_int_equal(rig.far[0].by_udp, 2);
    assert_true(rig.far[0].ids[0] != rig.far[0].ids[1] || rig.far[0].ports[0] != rig.far[0].ports[1]);
    rig_close(&rig);
}

/* After three silences the first resolver is asked last. */
static void test_rest(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_truth(&rig, "silencefirst.test");
    assert_int_equal(rig.far[0].by_udp, 3);
    assert_truth(&rig, "a.test");
    assert_truth(&rig, "a.test");
    assert_int_equal(rig.far[0].by_udp, 3);
    assert_int_equal(rig.far[1].by_udp, 5);
    rig_close(&rig);
}

static void test_nobody_there(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    far_stop_udp(&rig.far[0]);
    struct sk_instant before = sk_clock_boot();
    assert_truth(&rig, "a.test"); /* the kernel says so at once */
    far_stop_udp(&rig.far[1]);
    assert_failure(&rig, "a.test");
    assert_in_range(sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)), 0, 500);
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

/* --- options ------------------------------------------------------------------------------ */

static char conf_path[64];

static void write_conf(const char *ip)
{
    FILE *file = fopen(conf_path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "search example.com\noptions ndots:5\nnameserver %s\n", ip) > 0);
    assert_int_equal(fclose(file), 0);
}

static void adapt_conf(struct sk_dns_options *options)
{
    options->upstream_count = 0;
    options->resolv_conf = conf_path;
    options->limits.one_try = SK_MSEC(20);
}

/* It names no ports; so this needs the right to port 53. Read again when it changes. */
static void test_resolv_conf(void **state)
{
    struct rig rig;
    struct far far;
    (void)state;
    (void)snprintf(conf_path, sizeof(conf_path), "/tmp/sk-dns-%d.conf", (int)getpid());
    write_conf("127.0.0.98");
    rig_open(&rig, pages, adapt_conf);
    bool may = far_open_at(&far, rig.loop, "127.0.0.99", 53, pages);
    if (may) {
        assert_failure(&rig, "a.test"); /* nobody is there */
        write_conf("127.0.0.99");
        rig_run_for(&rig, 1100);
        assert_truth(&rig, "a.test");
        assert_string_equal(rig.asked_name, "a.test"); /* nothing was added to it */
        far_close(&far);
    }
    assert_int_equal(unlink(conf_path), 0);
    rig_close(&rig);
    if (!may)
        skip();
}

static void assert_no_options(void (*adapt)(struct sk_dns_options *options), enum sk_code code)
{
    struct rig rig = {0};
    struct sk_ip listen[2] = {ip_of("127.0.0.1"), ip_of("::1")};
    const char *upstreams[2];
    struct sk_err err = {0};
    struct sk_dns_options options = rig_options(&rig, listen, upstreams);
    adapt(&options);
    assert_int_equal(sk_loop_new(&rig.loop, &err), SK_OK);
    assert_int_equal(sk_dns_open(rig.loop, NULL, &options, &rig.dns, &err), code);
    assert_int_equal(err.code, code);
    assert_null(rig.dns);
    sk_loop_free(rig.loop);
}

static const char *const nonsense[9] = {"127.0.0.1:0", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1",
                                        "1.1.1.1",     "1.1.1.1", "1.1.1.1", "1.1.1.1"};

static void adapt_upstream(struct sk_dns_options *options)
{
    options->upstreams = nonsense;
    options->upstream_count = 1;
}

static void adapt_upstreams(struct sk_dns_options *options)
{
    options->upstreams = nonsense + 1;
    options->upstream_count = 9;
}

static void adapt_internal(struct sk_dns_options *options)
{
    static const char *const names[] = {"*.*.test"};
    options->internal_names = names;
}

static int taken_udp, taken_tcp;

static void adapt_taken(struct sk_dns_options *options)
{
    options->upstreams = nonsense + 1;
    options->port = bound_port(taken_udp);
}

static void test_bad_options(void **state)
{
    struct sk_ip ip = ip_of("::1"); /* the second: what was opened before is closed */
    (void)state;
    assert_no_options(adapt_upstream, SK_INVALID_ARGUMENT);
    assert_no_options(adapt_upstreams, SK_RESOURCE_EXHAUSTED);
    assert_no_options(adapt_internal, SK_INVALID_ARGUMENT);
    bound_pair(&ip, &taken_udp, &taken_tcp);
    assert_no_options(adapt_taken, sk_code_from_errno(EADDRINUSE));
    (void)close(taken_udp);
    (void)close(taken_tcp);
}

/* An address that the machine does not have yet. */
static void adapt_absent(struct sk_dns_options *options)
{
    static const struct sk_ip absent[2] = {{false, {192, 0, 2, 77}}, {true, {0x20, 1, 0xD, 0xB8, [15] = 7}}};
    options->listen = absent;
}

static void test_absent_address(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, adapt_absent);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),         cmocka_unit_test(test_loop),
        cmocka_unit_test(test_guesses),      cmocka_unit_test(test_ports_and_ids),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_cut_in_vain),
        cmocka_unit_test(test_failures),     cmocka_unit_test(test_silence),
        cmocka_unit_test(test_second_try),   cmocka_unit_test(test_rest),
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_nobody_there_by_tcp),
        cmocka_unit_test(test_close),        cmocka_unit_test(test_resolv_conf),
        cmocka_unit_test(test_bad_options),  cmocka_unit_test(test_absent_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
