/* drivers/edge: what passes the gate, and what does not. The servers outside echo what reaches them, so that
 * a message that comes back has passed. */
#include "component/client_hello.h"
#include "component/edge_rig.h"

static int setup(void **state)
{
    struct edge_rig *rig = *state;
    struct rig_box box;
    struct sk_err err;
    char bad[] = "bad.wild.example.com", *except[] = {bad, NULL};
    rig->denied = 0;
    rig_box_init(&box, "n1-a");
    rig_grant(&box, "good.example.com", NULL);
    rig_grant(&box, "*.wild.example.com", except);
    if (rig_open(rig, &err) != SK_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    return rig_set(rig, &box) == SK_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct edge_rig *rig = *state;
    rig->options.let_hidden = false;
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    return 0;
}

static bool passes_at(struct edge_rig *rig, const char *address, const struct hello *hello)
{
    char out[8192];
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, address, 443);
    assert_true(fd >= 0);
    size_t got = rig_converse(fd, hello->bytes, hello->len, true, out, sizeof(out), 7000);
    (void)close(fd);
    assert_true(got == 0 || (got == hello->len && memcmp(out, hello->bytes, got) == 0));
    return got > 0;
}

/* The same in both families. */
static bool passes(struct edge_rig *rig, const struct hello *hello)
{
    bool v4 = passes_at(rig, RIG_SHARED4, hello);
    assert_int_equal(v4, passes_at(rig, RIG_SHARED6, hello));
    return v4;
}

static bool name_passes(struct edge_rig *rig, const char *name)
{
    struct hello hello;
    hello_make(&hello, name, NULL, false);
    return passes(rig, &hello);
}

static void test_names(void **state)
{
    struct edge_rig *rig = *state;
    assert_true(name_passes(rig, "good.example.com"));
    assert_true(name_passes(rig, "GOOD.Example.COM"));
    assert_true(name_passes(rig, "a.wild.example.com"));
    assert_false(name_passes(rig, "evil.example.com"));
    assert_false(name_passes(rig, "good.example.com."));
    assert_false(name_passes(rig, "wild.example.com"));
    assert_false(name_passes(rig, "a.b.wild.example.com"));
    assert_false(name_passes(rig, "bad.wild.example.com"));
    assert_false(name_passes(rig, "BAD.wild.example.com"));
    assert_false(name_passes(rig, "*.wild.example.com"));
    assert_false(name_passes(rig, ".wild.example.com"));
    assert_false(name_passes(rig, "xgood.example.com"));
    assert_false(name_passes(rig, "good.example.com|x"));
    assert_false(name_passes(rig, "198.51.100.7"));
    assert_false(name_passes(rig, ""));
    assert_false(name_passes(rig, NULL));
}

static void test_two_names_are_none(void **state)
{
    struct hello hello;
    hello_make(&hello, "good.example.com", "evil.example.com", false);
    assert_false(passes(*state, &hello));
    hello_make(&hello, "good.example.com", "good.example.com", false);
    assert_false(passes(*state, &hello));
}

static void test_a_hidden_name_is_refused_unless_let(void **state)
{
    struct edge_rig *rig = *state;
    struct rig_box box;
    struct hello hello;
    struct sk_err err;
    hello_make(&hello, "good.example.com", NULL, true);
    assert_false(passes(rig, &hello));
    rig_run(rig, 50);
    assert_string_equal(rig->denials[0].why, "hidden name");
    assert_string_equal(rig->denials[0].name, "good.example.com");
    rig_close(rig);
    rig->options.let_hidden = true;
    assert_int_equal(rig_open(rig, &err), SK_OK);
    rig_box_init(&box, "n1-a");
    rig_grant(&box, "good.example.com", NULL);
    assert_int_equal(rig_set(rig, &box), SK_OK);
    assert_true(passes(rig, &hello));
    hello_make(&hello, "evil.example.com", NULL, true);
    assert_false(passes(rig, &hello));
}

/* Two records instead of one: a reader that does not put them together sees something else. */
static void test_a_message_in_two_records_is_refused(void **state)
{
    struct hello whole, split;
    hello_make(&whole, "good.example.com", NULL, false);
    for (size_t at = 1; at + 6 < whole.len; at += 40) {
        split.len = 0;
        hello_put(&split, "\x16\x03\x01", 3);
        hello_u16(&split, (unsigned)at);
        hello_put(&split, whole.bytes + 5, at);
        hello_put(&split, "\x16\x03\x01", 3);
        hello_u16(&split, (unsigned)(whole.len - 5 - at));
        hello_put(&split, whole.bytes + 5 + at, whole.len - 5 - at);
        assert_false(passes(*state, &split));
    }
}

static void test_a_message_in_many_segments_passes(void **state)
{
    struct edge_rig *rig = *state;
    struct hello hello;
    char out[4096];
    int on = 1;
    hello_make(&hello, "good.example.com", NULL, false);
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    assert_true(fd >= 0);
    (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    for (size_t i = 0; i + 1 < hello.len; i++) {
        assert_int_equal(send(fd, hello.bytes + i, 1, MSG_NOSIGNAL), 1);
        (void)usleep(i % 16 ? 0 : 2000);
    }
    assert_int_equal(rig_converse(fd, hello.bytes + hello.len - 1, 1, false, out, sizeof(out), 500),
                     hello.len);
    /* What follows is none of the gate's business. */
    assert_int_equal(rig_converse(fd, "anything", 8, true, out, sizeof(out), 2000), 8);
    (void)close(fd);
}

static void test_what_is_not_tls_is_refused(void **state)
{
    struct edge_rig *rig = *state;
    static const char *const others[] = {"GET / HTTP/1.1\r\nHost: good.example.com\r\n\r\n",
                                         "SSH-2.0-x\r\n",
                                         "\x80\x2e\x01\x03\x01",
                                         "\x16",
                                         "\x15\x03\x01\x01\x02",
                                         "\x16\x03\x01\x40\x01garbage good.example.com"};
    char out[512];
    for (size_t i = 0; i < sk_array_len(others); i++) {
        int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
        assert_int_equal(rig_converse(fd, others[i], strlen(others[i]), true, out, sizeof(out), 7000), 0);
        (void)close(fd);
    }
}

static void test_who_is_silent_is_cut_off(void **state)
{
    struct edge_rig *rig = *state;
    struct hello hello;
    char out[512];
    struct sk_instant before = sk_clock_boot();
    hello_make(&hello, "good.example.com", NULL, false);
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    assert_int_equal(rig_converse(fd, hello.bytes, hello.len - 1, false, out, sizeof(out), 9000), 0);
    assert_in_range(sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)), 4000, 7000);
    (void)close(fd);
}

static void test_refusals_are_told(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_ip source, destination;
    assert_false(name_passes(rig, "evil.example.com"));
    assert_false(name_passes(rig, NULL));
    rig_run(rig, 50);
    assert_int_equal(rig->denied, 4);
    assert_int_equal(sk_ip_parse(RIG_BOX6, &source, NULL), SK_OK);
    assert_int_equal(sk_ip_parse(RIG_SHARED6, &destination, NULL), SK_OK);
    assert_string_equal(rig->denials[0].name, "evil.example.com");
    assert_string_equal(rig->denials[0].why, "name");
    assert_true(sk_ip_equal(&rig->denials[1].source, &source));
    assert_true(sk_ip_equal(&rig->denials[1].destination, &destination));
    assert_int_equal(rig->denials[1].port, 443);
    assert_string_equal(rig->denials[2].name, "");
    assert_string_equal(rig->denials[2].why, "no name");
}

/* Nobody is brought to the gate's own port by the packet filter: who comes there goes nowhere. */
static void test_the_gate_itself_leads_nowhere(void **state)
{
    struct edge_rig *rig = *state;
    struct hello hello;
    char out[512];
    hello_make(&hello, "good.example.com", NULL, false);
    static const char *const gates[] = {"10.231.255.1", "fd5b::1"};
    for (size_t i = 0; i < 2; i++) {
        int fd = lab_connect_inside(rig->box, SOCK_STREAM, gates[i], RIG_GATE);
        if (fd >= 0)
            assert_int_equal(rig_converse(fd, hello.bytes, hello.len, false, out, sizeof(out), 1000), 0);
        (void)close(fd);
    }
}

static void test_another_sandbox_has_its_own_names(void **state)
{
    struct edge_rig *rig = *state;
    struct rig_box other;
    rig_box_init(&other, "n1-b");
    assert_int_equal(sk_ip_parse("10.231.0.3", &other.box.ipv4, NULL), SK_OK);
    assert_int_equal(sk_ip_parse("fd5a::3", &other.box.ipv6, NULL), SK_OK);
    rig_grant(&other, "evil.example.com", NULL);
    assert_int_equal(rig_set(rig, &other), SK_OK);
    assert_false(name_passes(rig, "evil.example.com"));
    assert_int_equal(rig_remove(rig, "n1-b"), SK_OK);
}

static void test_rules_change(void **state)
{
    struct edge_rig *rig = *state;
    struct rig_box box;
    rig_box_init(&box, "n1-a");
    rig_grant(&box, "new.example.com", NULL);
    assert_int_equal(rig_set(rig, &box), SK_OK);
    assert_true(name_passes(rig, "new.example.com"));
    assert_false(name_passes(rig, "good.example.com"));
    assert_false(name_passes(rig, "a.wild.example.com"));
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    assert_false(name_passes(rig, "new.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_names_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_hidden_name_is_refused_unless_let, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_message_in_two_records_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_message_in_many_segments_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_tls_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_is_silent_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_gate_itself_leads_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_sandbox_has_its_own_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules_change, setup, teardown),
    };
    return cmocka_run_group_tests(tests, rig_setup_group, rig_teardown_group);
}
