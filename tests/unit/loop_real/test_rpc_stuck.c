/* Calls to a server that has stopped reading, on a connection that holds no more: cancels and deadlines do
 * not wait for it. And to one that has yet to begin. */
#include "rpc_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOAD_LEN ((size_t)8 * 1024 * 1024) /* more than the sockets between hold */

/* As large as they get, so that nothing but the socket holds the client: SETTINGS with
 * INITIAL_WINDOW_SIZE, and a WINDOW_UPDATE of the connection. */
static const uint8_t hello[] = {0,    0, 6, 4, 0, 0, 0, 0, 0, 0, 4,    0x7f, 0xff, 0xff,
                                0xff, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xfe, 0xff, 0xff};

struct stuck {
    struct rig rig;
    int listener, peer;
    pthread_t thread;
};

/* Greets the first who comes, and reads nothing. */
static void *greet(void *arg)
{
    struct stuck *stuck = arg;

    stuck->peer = accept(stuck->listener, NULL, NULL);
    if (stuck->peer >= 0 && write(stuck->peer, hello, sizeof(hello)) != (ssize_t)sizeof(hello))
        (void)shutdown(stuck->peer, SHUT_RDWR);
    return NULL;
}

static void await_answer(const struct rig_unary *unary)
{
    while (!unary->fired)
        rig_run(unary->rig);
}

/* So that no deadline of a test counts what connecting takes. */
static void connect_first(struct stuck *stuck)
{
    struct rig_unary first = {0};

    rig_start(&stuck->rig, &first, "/t/Echo", "", SK_SEC(50));
    assert_int_equal(pthread_join(stuck->thread, NULL), 0);
    sk_done_cancel(&first.done);
    await_answer(&first);
}

/* Somebody who listens, and says nothing yet. */
static void meet(struct stuck *stuck)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    char target[64];

    rig_setup(&stuck->rig, NULL);
    sk_channel_free(stuck->rig.channel);
    stuck->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stuck->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(stuck->listener, 4), 0);
    assert_int_equal(getsockname(stuck->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", ntohs(address.sin_port));
    stuck->rig.channel = rig_connect(&stuck->rig, target);
}

static void setup(struct stuck *stuck)
{
    meet(stuck);
    assert_int_equal(pthread_create(&stuck->thread, NULL, greet, stuck), 0);
    connect_first(stuck);
}

/* The last of what was under way ends with the connection. */
static void teardown(struct stuck *stuck)
{
    (void)close(stuck->peer);
    (void)close(stuck->listener);
    rig_teardown(&stuck->rig);
}

/* --- a stream that fills the connection ------------------------------------------ */

struct load {
    struct stuck *stuck;
    struct sk_stream_call *stream;
    unsigned sent, ends;
    struct sk_err err;
};

static void on_sent(void *arg)
{
    ((struct load *)arg)->sent++;
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct load *load = arg;

    load->ends++;
    load->err = err ? *err : (struct sk_err){0};
    sk_loop_stop(load->stuck->rig.loop);
}

/* Sends more than there is room for, and waits until the connection is full. */
static void fill(struct load *load, struct stuck *stuck, struct sk_duration timeout)
{
    const struct sk_stream_events events = {.on_sent = on_sent, .on_end = on_end};
    const struct sk_method method = {"/t/Chat", &google__rpc__status__descriptor};
    rig_message message = GOOGLE__RPC__STATUS__INIT;
    SK_AUTO_FREE char *text = sk_alloc(LOAD_LEN + 1);

    *load = (struct load){.stuck = stuck};
    memset(text, 'x', LOAD_LEN);
    message.message = text;
    load->stream = sk_stream_open(stuck->rig.channel, &method, NULL, timeout, &events, load);
    sk_stream_want(load->stream);
    sk_stream_send(load->stream, &message.base);
    rig_wait(&stuck->rig, 300);
    assert_int_equal(load->sent, 0);
}

static void await_end(const struct load *load)
{
    while (!load->ends)
        rig_run(&load->stuck->rig);
}

static void test_a_full_stream_is_cancelled(void **state)
{
    struct stuck stuck = {0};
    struct load load;

    (void)state;
    setup(&stuck);
    fill(&load, &stuck, SK_SEC(50));
    assert_int_equal(load.ends, 0);
    sk_stream_cancel(load.stream);
    await_end(&load);
    assert_int_equal(load.ends, 1);
    assert_int_equal(load.err.code, SK_CANCELLED);
    sk_stream_close(load.stream);
    teardown(&stuck);
    assert_int_equal(load.ends, 1);
    assert_int_equal(load.sent, 0);
}

static void test_a_full_stream_has_a_deadline(void **state)
{
    struct stuck stuck = {0};
    struct load load;

    (void)state;
    setup(&stuck);
    fill(&load, &stuck, SK_MSEC(1000));
    await_end(&load);
    assert_int_equal(load.ends, 1);
    assert_int_equal(load.err.code, SK_DEADLINE_EXCEEDED);
    sk_stream_close(load.stream);
    teardown(&stuck);
}

/* Their headers never left. */
static void test_calls_behind_a_full_stream_end(void **state)
{
    struct stuck stuck = {0};
    struct rig_unary late = {0}, cancelled = {0};
    struct load load, behind = {.stuck = &stuck};
    const struct sk_stream_events events = {.on_end = on_end};
    const struct sk_method method = {"/t/Chat", &google__rpc__status__descriptor};

    (void)state;
    setup(&stuck);
    fill(&load, &stuck, SK_SEC(50));
    rig_start(&stuck.rig, &late, "/t/Echo", "", SK_MSEC(500));
    await_answer(&late);
    assert_int_equal(late.err.code, SK_DEADLINE_EXCEEDED);
    rig_start(&stuck.rig, &cancelled, "/t/Echo", "", SK_SEC(50));
    rig_wait(&stuck.rig, 100);
    assert_false(cancelled.fired);
    sk_done_cancel(&cancelled.done);
    await_answer(&cancelled);
    assert_int_equal(cancelled.err.code, SK_CANCELLED);
    behind.stream = sk_stream_open(stuck.rig.channel, &method, NULL, SK_MSEC(500), &events, &behind);
    await_end(&behind);
    assert_int_equal(behind.err.code, SK_DEADLINE_EXCEEDED);
    assert_int_equal(load.ends, 0);
    sk_stream_close(behind.stream);
    sk_stream_close(load.stream);
    teardown(&stuck);
    assert_int_equal(load.ends, 0);
}

/* A request that fills the connection by itself. */
static void test_a_large_request_has_a_deadline(void **state)
{
    struct stuck stuck = {0};
    struct rig_unary unary = {0};
    SK_AUTO_FREE char *text = sk_alloc(LOAD_LEN + 1);

    (void)state;
    memset(text, 'x', LOAD_LEN);
    setup(&stuck);
    rig_start(&stuck.rig, &unary, "/t/Echo", text, SK_MSEC(1000));
    await_answer(&unary);
    assert_int_equal(unary.err.code, SK_DEADLINE_EXCEEDED);
    teardown(&stuck);
}

/* Two busy processors keep a server from its greeting for seconds; that is no reason to fail a call. */
static void test_a_greeting_may_come_late(void **state)
{
    struct stuck stuck = {0};
    struct rig_unary unary = {0};
    struct sk_instant began = sk_clock_boot();

    (void)state;
    meet(&stuck);
    rig_start(&stuck.rig, &unary, "/t/Echo", "", SK_SEC(50));
    rig_wait(&stuck.rig, 2000);
    assert_true(!unary.fired || sk_instant_diff(sk_clock_boot(), began).ns >= SK_SEC(10).ns);
    assert_int_equal(pthread_create(&stuck.thread, NULL, greet, &stuck), 0);
    assert_int_equal(pthread_join(stuck.thread, NULL), 0);
    if (!unary.fired)
        sk_done_cancel(&unary.done);
    await_answer(&unary);
    teardown(&stuck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_stream_is_cancelled),
        cmocka_unit_test(test_a_full_stream_has_a_deadline),
        cmocka_unit_test(test_calls_behind_a_full_stream_end),
        cmocka_unit_test(test_a_large_request_has_a_deadline),
        cmocka_unit_test(test_a_greeting_may_come_late),
    };
    sk_bridge_silence();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
