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
    size_t got = rig_converse(fd, hello->bytes, hello->len, true, out, sizeof(out), LAB_COMES_MS);
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

/* Of whoever was refused one hears a little later, and from several threads: so many, and not one more. */
static void await_denied(struct edge_rig *rig, size_t count)
{
    for (int waited = 0; waited < LAB_COMES_MS && rig->denied < count; waited += 20)
        rig_run(rig, 20);
    rig_run(rig, 50);
    assert_int_equal(rig->denied, count);
}

static void test_a_hidden_name_is_refused_unless_let(void **state)
{
    struct edge_rig *rig = *state;
    struct rig_box box;
    struct hello hello;
    struct sk_err err;
    hello_make(&hello, "good.example.com", NULL, true);
    assert_false(passes(rig, &hello));
    await_denied(rig, 2);
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
    assert_int_equal(rig_converse_for(fd, hello.bytes + hello.len - 1, 1, out, hello.len), hello.len);
    /* What follows is none of the gate's business. */
    assert_int_equal(rig_converse(fd, "anything", 8, true, out, sizeof(out), LAB_COMES_MS), 8);
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
        assert_int_equal(rig_converse(fd, others[i], strlen(others[i]), true, out, sizeof(out), LAB_COMES_MS),
                         0);
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
    assert_int_equal(rig_converse(fd, hello.bytes, hello.len - 1, false, out, sizeof(out), LAB_COMES_MS), 0);
    assert_true(recv(fd, out, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN);
    assert_true(sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)) >= 4000);
    (void)close(fd);
}

static void test_refusals_are_told(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_ip source, destination;
    assert_false(name_passes(rig, "evil.example.com"));
    await_denied(rig, 2);
    assert_false(name_passes(rig, NULL));
    await_denied(rig, 4);
    assert_int_equal(sk_ip_parse(RIG_BOX6, &source, NULL), SK_OK);
    assert_int_equal(sk_ip_parse(RIG_SHARED6, &destination, NULL), SK_OK);
    assert_string_equal(rig->denials[0].name, "evil.example.com");
    assert_string_equal(rig->denials[0].why, "name");
    size_t six = sk_ip_equal(&rig->denials[0].source, &source) ? 0 : 1; /* of the first two */
    assert_true(sk_ip_equal(&rig->denials[six].source, &source));
    assert_true(sk_ip_equal(&rig->denials[six].destination, &destination));
    assert_int_equal(rig->denials[six].port, 443);
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
        int fd = lab_connect_within(rig->box, SOCK_STREAM, gates[i], RIG_GATE, LAB_QUIET_MS);
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

/* --- a server that asks again ------------------------------------------------------------------------ */

/* Reads a first message, asks for another, and echoes what comes then. */
static void ask_again(int fd)
{
    static const uint8_t retry[] = "\x16\x03\x03\0\x38\x02\0\0\x34\x03\x03"
                                   "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
                                   "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"
                                   "\0\x13\x01\0\0\x0C\0\x2B\0\x02\x03\x04\0\x33\0\x02\0\x18";
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    (void)!send(fd, "\x15\x03\x03\0\x02\x01\x70", 7, MSG_NOSIGNAL); /* a warning, as some do */
    (void)!send(fd, retry, 20, MSG_NOSIGNAL);
    (void)usleep(20000);
    (void)!send(fd, retry + 20, sizeof(retry) - 1 - 20, MSG_NOSIGNAL);
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        (void)!send(fd, bytes, (size_t)got, MSG_NOSIGNAL);
    (void)close(fd);
}

static pid_t serve_again(struct edge_rig *rig)
{
    int ready[2];
    char byte;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int listener = lab_enter(rig->lab.internet) == 0 ? lab_listener(AF_INET, SOCK_STREAM, 443) : -1;
        if (listener < 0)
            _exit(1);
        (void)fcntl(listener, F_SETFL, 0);
        (void)!write(ready[1], "r", 1);
        for (;;)
            ask_again(accept(listener, NULL, NULL));
    }
    (void)close(ready[1]);
    bool serves = read(ready[0], &byte, 1) == 1;
    (void)close(ready[0]);
    return serves ? child : -1;
}

/* Whether a second message for that name reaches the server; what is in front of it does in any case. */
static bool passes_again(struct edge_rig *rig, const char *name, const char *front, size_t front_len)
{
    struct hello first, second = {.len = 0}, whole;
    char out[8192];
    hello_make(&first, "good.example.com", NULL, false);
    hello_make(&whole, name, NULL, false);
    hello_put(&second, front, front_len);
    hello_put(&second, whole.bytes, whole.len);
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    assert_true(fd >= 0);
    assert_int_equal(rig_converse_for(fd, first.bytes, first.len, out, 7 + 61), 7 + 61);
    size_t got = rig_converse_for(fd, second.bytes, second.len, out, second.len);
    (void)close(fd);
    assert_true(got <= front_len || got == second.len);
    return got == second.len;
}

static void test_a_second_message_says_the_same(void **state)
{
    static const char front[] = "\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x03xyz";
    struct edge_rig *rig = *state;
    static const uint16_t ports[] = {443, 80};
    lab_stop(rig->internet);
    pid_t server = serve_again(rig);
    bool same = passes_again(rig, "good.example.com", "", 0);
    bool behind = passes_again(rig, "GOOD.example.com", front, sizeof(front) - 1);
    bool other = passes_again(rig, "evil.example.com", "", 0);
    bool other_behind = passes_again(rig, "evil.example.com", front, sizeof(front) - 1);
    bool granted = passes_again(rig, "a.wild.example.com", "", 0);
    bool none = passes_again(rig, NULL, "", 0);
    lab_stop(server);
    rig->internet = lab_serve(rig->lab.internet, ports, 2);
    await_denied(rig, 4);
    assert_true(server > 0 && rig->internet > 0);
    assert_true(same && behind);
    assert_false(other || other_behind || granted || none);
    assert_string_equal(rig->denials[0].name, "evil.example.com");
    assert_string_equal(rig->denials[0].why, "name");
    assert_string_equal(rig->denials[3].why, "no name");
}

/* Before the server has asked, to be there when it does. */
static void test_two_messages_at_once_are_refused(void **state)
{
    struct edge_rig *rig = *state;
    struct hello both, second;
    char out[8192];
    hello_make(&both, "good.example.com", NULL, false);
    size_t first = both.len;
    hello_make(&second, "evil.example.com", NULL, false);
    hello_put(&both, second.bytes, second.len);
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    assert_true(rig_converse(fd, both.bytes, both.len, true, out, sizeof(out), 500) <= first);
    (void)close(fd);
}

/* What clients of a known server say without waiting for it (RFC 8446 section 2.3). They do not close their
 * half before they were answered either: HAProxy would lose what does not fit into its buffer (edge.h). */
static void test_early_data_passes(void **state)
{
    struct hello hello;
    char record[16384 + 5] = "\x17\x03\x03\x40";
    struct edge_rig *rig = *state;
    char out[32768];
    hello_make(&hello, "good.example.com", NULL, false);
    hello_put(&hello, "\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x03xyz", 14);
    assert_true(passes(rig, &hello));
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    assert_int_equal(send(fd, hello.bytes, hello.len, MSG_NOSIGNAL), hello.len);
    size_t all = hello.len + sizeof(record);
    assert_int_equal(rig_converse_for(fd, record, sizeof(record), out, all), all);
    (void)close(fd);
}

/* --- real ones -------------------------------------------------------------------------------------- */

/* Whether openssl's client gets a page from openssl's server outside; `how`: its options. */
static bool gets_page(struct edge_rig *rig, const char *address, const char *how)
{
    char line[1024];
    (void)snprintf(
        line, sizeof(line),
        "cd %s && printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 60 openssl s_client -quiet -connect %s:443 "
        "-servername good.example.com -sess_out session %s 2>/dev/null | grep -q 'HTTP/1.0 200'",
        rig->lab.dir, address, how);
    return lab_inside(rig->box, line) == 0;
}

static void test_real_handshakes(void **state)
{
    struct edge_rig *rig = *state;
    static const uint16_t ports[] = {443, 80};
    lab_stop(rig->internet);
    pid_t server = fork();
    if (server == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(rig->lab.dir) < 0 || lab_enter(rig->lab.internet) < 0)
            _exit(1);
        (void)!lab_run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
                       "-keyout k -out c -subj /CN=x 2>/dev/null");
        (void)execlp("openssl", "openssl", "s_server", "-accept", "443", "-cert", "c", "-key", "k", "-www",
                     "-quiet", "-groups", "P-384", (char *)NULL);
        _exit(1);
    }
    bool reached = false;
    for (int waited = 0; waited < LAB_COMES_MS && !reached; waited += 100) {
        (void)usleep(100000);
        reached = gets_page(rig, RIG_SHARED4, "-groups P-384");
    }
    bool resumed = gets_page(rig, RIG_SHARED4, "-groups P-384 -sess_in session");
    bool v6 = gets_page(rig, "[" RIG_SHARED6 "]", "-groups P-384");
    bool old = gets_page(rig, RIG_SHARED4, "-groups P-384:P-256 -tls1_2");
    bool again = gets_page(rig, RIG_SHARED4, "-groups X25519:P-384");
    lab_stop(server);
    rig->internet = lab_serve(rig->lab.internet, ports, 2);
    assert_true(rig->internet > 0);
    assert_true(reached && resumed && v6 && old);
    assert_true(again);
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
        cmocka_unit_test_setup_teardown(test_a_second_message_says_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_messages_at_once_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early_data_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_real_handshakes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, rig_setup_group, rig_teardown_group);
}
