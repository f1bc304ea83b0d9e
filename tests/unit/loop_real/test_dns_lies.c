/* Resolvers that lie, and others who speak in their name: nothing of it reaches an asker. */
#include "tests/unit/loop_real/dns_rig.h"

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
    reply_ip(&w, asked->question.name, 60, "1.2.3.4");
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

static void say_cut(const struct asked *asked)
{
    struct sk_dns_writer w = reply_begin(asked, SK_DNS_TRUNCATED, 0, 0);
    if (asked->by_tcp)
        say_truth(asked);
    else
        reply_send(asked, &w);
}

static void say_cut_and_lie(const struct asked *asked)
{
    if (asked->by_tcp)
        lie(asked, spoil_id);
    else
        say_cut(asked);
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
    {"liar.test", say_cut_and_lie},
    {NULL, say_truth},
};

/* --- tests ------------------------------------------------------------------------------ */

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
    rig_open(&rig, pages, rig_hasty); /* better answers are waited for */
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

/* By TCP nobody can guess: a lie there is the resolver's own. */
static void test_lies_by_tcp(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, pages, NULL);
    assert_failure(&rig, "liar.test");
    assert_in_range(rig.far[0].by_tcp, 1, 3);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_guesses),     cmocka_unit_test(test_ports_and_ids),
        cmocka_unit_test(test_lies_by_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
