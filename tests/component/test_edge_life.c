/* drivers/edge: HAProxy dies, is left, is found again, is replaced; and what
 * was set is in force throughout. */
#include "component/client_hello.h"
#include "component/edge_rig.h"

#include <sys/time.h>
#include <time.h>

#define BOXES 500
#define NAMES 20

static void open_it(struct edge_rig *rig)
{
    struct sk_err err;
    enum sk_code code = rig_open(rig, &err);
    if (code != SK_OK)
        print_error("%s\n", err.text);
    assert_int_equal(code, SK_OK);
}

static enum sk_code set_name(struct edge_rig *rig, const char *id, const char *name)
{
    struct rig_box box;
    rig_box_init(&box, id);
    rig_grant(&box, name, NULL);
    return rig_set(rig, &box);
}

static bool name_passes(struct edge_rig *rig, const char *name)
{
    struct hello hello;
    char out[4096];
    hello_make(&hello, name, NULL, false);
    int fd = lab_connect_inside(rig->box, SOCK_STREAM, RIG_SHARED4, 443);
    size_t got = fd < 0 ? 0 : rig_converse(fd, hello.bytes, hello.len, true, out, sizeof(out), LAB_COMES_MS);
    (void)close(fd);
    return got > 0;
}

static bool comes_to_pass(struct edge_rig *rig, const char *name)
{
    bool passes = name_passes(rig, name);
    for (int waited = 0; waited < LAB_COMES_MS && !passes; waited += 50) {
        rig_run(rig, 50);
        passes = name_passes(rig, name);
    }
    return passes;
}

static size_t litter(struct edge_rig *rig, struct sk_litter_list *list)
{
    struct sk_wait wait;
    sk_wait_init(&wait, rig->loop);
    *list = (struct sk_litter_list){0};
    sk_haproxy_base(rig->edge)->ops->list_litter(sk_haproxy_base(rig->edge), list, &wait.done);
    assert_int_equal(sk_wait(&wait), SK_OK);
    return list->len;
}

static void expect_gone(int pid)
{
    for (int waited = 0; waited < LAB_COMES_MS && rig_lives(pid); waited += 20)
        (void)usleep(20000);
    assert_false(rig_lives(pid));
}

static void test_it_ends_when_nobody_needs_it(void **state)
{
    struct edge_rig *rig = *state;
    open_it(rig);
    int pid = rig_pid(rig);
    assert_true(rig_lives(pid));
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    assert_false(rig_lives(pid));
    assert_int_equal(rig_pid(rig), 0);
}

static void test_it_is_taken_over(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_litter_list list;
    open_it(rig);
    int pid = rig_pid(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    rig_close(rig);
    assert_true(rig_lives(pid));
    assert_true(name_passes(rig, "good.example.com"));
    open_it(rig);
    assert_int_equal(rig_pid(rig), pid);
    assert_int_equal(litter(rig, &list), 1);
    assert_string_equal(list.items[0].name, "n1-a");
    free(list.items);
    /* What was held is known: only what differs is changed. */
    assert_int_equal(set_name(rig, "n1-a", "new.example.com"), SK_OK);
    assert_false(name_passes(rig, "good.example.com"));
    assert_true(name_passes(rig, "new.example.com"));
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    assert_int_equal(litter(rig, &list), 0);
    free(list.items);
    rig_close(rig);
    expect_gone(pid);
}

static void on_alarm(int signo)
{
    (void)signo;
}

/* Not a moment passes without one: who is interrupted while it asks must not think that nobody answers. */
static void test_signals_do_not_keep_it_from_being_taken_over(void **state)
{
    static const struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
    const struct sigaction handled = {.sa_handler = on_alarm};
    struct edge_rig *rig = *state;
    struct sigaction before;
    open_it(rig);
    int pid = rig_pid(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    for (int i = 0; i < 20; i++) {
        rig_close(rig);
        assert_int_equal(sigaction(SIGALRM, &handled, &before) | setitimer(ITIMER_REAL, &often, NULL), 0);
        open_it(rig);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL) | sigaction(SIGALRM, &before, NULL), 0);
        assert_int_equal(rig_pid(rig), pid);
    }
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    expect_gone(pid);
}

static void test_another_configuration_replaces_it(void **state)
{
    struct edge_rig *rig = *state;
    open_it(rig);
    int pid = rig_pid(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    rig_close(rig);
    rig->options.last_port--;
    open_it(rig);
    rig->options.last_port++;
    int next = rig_pid(rig);
    assert_int_not_equal(next, pid);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    expect_gone(pid);
    assert_true(name_passes(rig, "good.example.com"));
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    assert_false(rig_lives(next));
}

static void test_it_dies_and_comes_back(void **state)
{
    struct edge_rig *rig = *state;
    rig->log.level = SK_ERROR + 1;
    open_it(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    for (int i = 0; i < 3; i++) {
        const char *now = i % 2 ? "good.example.com" : "new.example.com";
        const char *before = i % 2 ? "new.example.com" : "good.example.com";
        siginfo_t end;
        assert_int_equal(kill(rig_pid(rig), SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)rig_pid(rig), &end, WEXITED | WNOWAIT), 0);
        rig_run(rig, 1);
        assert_false(name_passes(rig, before));
        /* What cannot be set now is set as soon as it can be. */
        assert_int_equal(set_name(rig, "n1-a", now), SK_UNAVAILABLE);
        assert_int_equal(rig_remove(rig, "n1-b"), SK_OK);
        assert_true(comes_to_pass(rig, now));
        assert_false(name_passes(rig, before));
    }
    int pid = rig_pid(rig);
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    assert_false(rig_lives(pid));
    rig->log.level = SK_WARN;
}

static void test_it_dies_between_daemons(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_litter_list list;
    open_it(rig);
    int pid = rig_pid(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    rig_close(rig);
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void)waitpid(pid, NULL, 0);
    open_it(rig);
    assert_int_equal(litter(rig, &list), 0);
    free(list.items);
    assert_false(name_passes(rig, "good.example.com"));
    rig_close(rig);
}

/* Somebody else's hand in the maps: what is found to be different is put right. */
static void test_a_change_that_fails_is_made_good(void **state)
{
    struct edge_rig *rig = *state;
    rig->log.level = SK_ERROR + 1;
    open_it(rig);
    assert_int_equal(set_name(rig, "n1-a", "good.example.com"), SK_OK);
    assert_int_equal(lab_run("cd %s/edge && python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); "
                             "s.connect('sock'); s.sendall(b'clear map names.map\\n'); s.recv(10)\"",
                             rig->lab.dir),
                     0);
    assert_int_equal(set_name(rig, "n1-a", "new.example.com"), SK_UNAVAILABLE);
    assert_true(comes_to_pass(rig, "new.example.com"));
    assert_false(name_passes(rig, "good.example.com"));
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    rig_close(rig);
    rig->log.level = SK_WARN;
}

static void set_many(struct edge_rig *rig, struct sk_wait *waits, size_t from, size_t to)
{
    static char names[NAMES][64];
    for (size_t i = from; i < to; i++) {
        struct sk_net_rule rules[NAMES] = {0};
        struct sk_net_policy policy = {.tenant = names[0], .egress = rules, .egress_count = NAMES};
        struct sk_edge_box box = {.policy = &policy};
        char id[32];
        for (size_t n = 0; n < NAMES; n++) {
            (void)snprintf(names[n], sizeof(names[n]), "host-%zu.box-%zu.example.com", n, i);
            rules[n] = (struct sk_net_rule){.peer = SK_NET_NAME, .name = names[n]};
        }
        (void)snprintf(id, sizeof(id), "n1-%zu", i);
        box.id = id;
        box.ipv4 = (struct sk_ip){.bytes = {10, 231, (uint8_t)(1 + i / 250), (uint8_t)(i % 250)}};
        sk_wait_init(&waits[i], rig->loop);
        sk_haproxy_base(rig->edge)->ops->set(sk_haproxy_base(rig->edge), &box, &waits[i].done);
    }
    for (size_t i = from; i < to; i++)
        assert_true(waits[i].fired || sk_wait_until(rig->loop, &waits[i].fired, SK_SEC(60)));
    for (size_t i = from; i < to; i++)
        assert_int_equal(waits[i].err.code, SK_OK);
}

static void test_many(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_litter_list list;
    struct sk_wait *waits = sk_alloc(BOXES * sizeof(*waits));
    open_it(rig);
    struct sk_instant before = sk_clock_boot();
    clock_t used = clock();
    set_many(rig, waits, 0, BOXES);
    clock_t used_for_all = clock() - used;
    print_message("%d names of %d sandboxes: %d ms\n", BOXES * NAMES, BOXES,
                  (int)sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)));
    used = clock();
    set_many(rig, waits, 7, 8);
    assert_true(clock() - used < used_for_all); /* of the processor's time, which nobody else uses up */
    rig_close(rig);
    before = sk_clock_boot();
    open_it(rig);
    print_message("taken over: %d ms\n", (int)sk_duration_ms(sk_instant_diff(sk_clock_boot(), before)));
    assert_int_equal(litter(rig, &list), BOXES);
    for (size_t i = 0; i < list.len; i++) {
        struct sk_wait wait;
        sk_wait_init(&wait, rig->loop);
        sk_haproxy_base(rig->edge)->ops->remove_litter(sk_haproxy_base(rig->edge), &list.items[i],
                                                       &wait.done);
        assert_int_equal(sk_wait(&wait), SK_OK);
    }
    free(list.items);
    int pid = rig_pid(rig);
    rig_close(rig);
    expect_gone(pid);
    free(waits);
}

static void test_what_it_says_is_the_error(void **state)
{
    struct edge_rig *rig = *state;
    struct sk_err err;
    const char *listen = rig->options.listen;
    rig->log.level = SK_ERROR + 1;
    rig->options.listen = "192.0.2.99";
    assert_int_equal(rig_open(rig, &err), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "192.0.2.99"));
    rig->options.listen = "nowhere";
    assert_int_equal(rig_open(rig, &err), SK_INVALID_ARGUMENT);
    rig->options.listen = listen;
    rig->options.program = "/nonexistent/haproxy";
    assert_int_equal(rig_open(rig, &err), SK_NOT_FOUND);
    rig->options.program = "haproxy";
    rig->options.user = "nobody-of-that-name";
    assert_int_equal(rig_open(rig, &err), SK_NOT_FOUND);
    rig->options.user = "haproxy";
    rig->log.level = SK_WARN;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_ends_when_nobody_needs_it),
        cmocka_unit_test(test_it_is_taken_over),
        cmocka_unit_test(test_signals_do_not_keep_it_from_being_taken_over),
        cmocka_unit_test(test_another_configuration_replaces_it),
        cmocka_unit_test(test_it_dies_and_comes_back),
        cmocka_unit_test(test_it_dies_between_daemons),
        cmocka_unit_test(test_a_change_that_fails_is_made_good),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_what_it_says_is_the_error),
    };
    return cmocka_run_group_tests(tests, rig_setup_group, rig_teardown_group);
}
