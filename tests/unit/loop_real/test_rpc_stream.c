/* Streams, client and server: back-pressure, half-close, cancel, early ends. */
#include "rpc_rig.h"

struct talk {
    struct rig *rig;
    struct sk_stream_call *stream;
    unsigned messages, sent, ends;
    unsigned stop_at; /* messages after which the loop is stopped; 0 = at the end only */
    unsigned to_send; /* then half-close */
    bool quiet;       /* sends no more, and does not half-close */
    bool greedy;      /* wants the next message at once */
    bool in_order;
    struct sk_err err;
    char last[32];
};

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct talk *talk = arg;
    const rig_message *said = (const rig_message *)message;

    talk->in_order &= said->code == (int32_t)talk->messages;
    talk->messages++;
    (void)snprintf(talk->last, sizeof(talk->last), "%.31s", said->message);
    if (talk->messages == talk->stop_at)
        sk_loop_stop(talk->rig->loop);
    if (talk->greedy)
        sk_stream_want(talk->stream);
}

static void send_next(struct talk *talk)
{
    rig_message message = GOOGLE__RPC__STATUS__INIT;

    message.code = (int32_t)talk->sent;
    message.message = "word";
    sk_stream_send(talk->stream, &message.base);
}

static void on_sent(void *arg)
{
    struct talk *talk = arg;

    if (++talk->sent < talk->to_send)
        send_next(talk);
    else if (!talk->quiet)
        sk_stream_half_close(talk->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct talk *talk = arg;

    talk->ends++;
    talk->err = err ? *err : (struct sk_err){0};
    sk_loop_stop(talk->rig->loop);
}

static void open_talk(struct talk *talk, struct rig *rig, const char *path, const struct sk_header *headers)
{
    const struct sk_stream_events events = {on_message, on_sent, on_end};
    const struct sk_method method = {path, &google__rpc__status__descriptor};

    *talk = (struct talk){.rig = rig, .in_order = true};
    talk->stream = sk_stream_open(rig->channel, &method, headers, SK_SEC(RIG_PATIENCE_S), &events, talk);
}

static void run_to_end(struct talk *talk)
{
    while (!talk->ends)
        rig_run(talk->rig);
}

static void test_both_ways_and_half_close(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Chat", NULL);
    talk.greedy = true;
    talk.to_send = 100;
    sk_stream_want(talk.stream);
    send_next(&talk);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    assert_int_equal(talk.messages, 100);
    assert_true(talk.in_order);
    assert_string_equal(talk.last, "word");
    assert_int_equal(rig.half_closes, 1);
    assert_int_equal(rig.cancels, 0);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
    assert_int_equal(talk.ends, 1);
}

static void test_half_close_right_after_a_send(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Chat", NULL);
    talk.greedy = true;
    sk_stream_want(talk.stream);
    send_next(&talk);
    sk_stream_half_close(talk.stream);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    assert_int_equal(talk.messages, 1);
    assert_int_equal(rig.half_closes, 1);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
}

/* Nobody reads, so the server is not told to go on; then all arrives, in order. */
static void test_a_slow_reader_holds_the_server(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Pour", NULL);
    sk_stream_half_close(talk.stream);
    talk.stop_at = 1;
    sk_stream_want(talk.stream);
    rig_run(&rig);
    unsigned sent;
    do { /* until the windows are full */
        sent = rig.sent;
        rig_wait(&rig, 200);
    } while (rig.sent != sent);
    assert_true(sent < RIG_POURS);
    talk.greedy = true;
    sk_stream_want(talk.stream);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    assert_int_equal(talk.messages, RIG_POURS);
    assert_true(talk.in_order);
    assert_int_equal(rig.sent, RIG_POURS);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
}

/* A reset stream is a cancel, never an end of input. */
static void test_cancel_is_no_half_close(void **state)
{
    struct rig rig;

    (void)state;
    rig_setup(&rig, NULL);
    for (unsigned i = 1; i <= 50; i++) {
        struct talk talk;
        open_talk(&talk, &rig, "/t/Chat", NULL);
        talk.stop_at = 1;
        talk.quiet = true;
        sk_stream_want(talk.stream);
        rig_message message = GOOGLE__RPC__STATUS__INIT;
        sk_stream_send(talk.stream, &message.base);
        while (talk.messages < 1 || rig.sent < i) /* then the server waits for the next message */
            rig_wait(&rig, 2);
        sk_stream_cancel(talk.stream);
        run_to_end(&talk);
        assert_int_equal(talk.err.code, SK_CANCELLED);
        sk_stream_close(talk.stream);
        while (rig.cancels < i)
            rig_wait(&rig, 2);
        assert_int_equal(rig.half_closes, 0);
    }
    rig_teardown(&rig);
    assert_int_equal(rig.cancels, 50);
}

static void test_close_drops_a_stream_under_way(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Pour", NULL);
    talk.stop_at = 3;
    talk.greedy = true;
    sk_stream_want(talk.stream);
    rig_run(&rig);
    sk_stream_close(talk.stream);
    unsigned messages = talk.messages;
    while (!rig.cancels)
        rig_wait(&rig, 5);
    rig_teardown(&rig);
    assert_int_equal(talk.messages, messages);
    assert_int_equal(talk.ends, 0);
}

/* The server ends the call while the client's side is still open. */
static void test_server_ends_first(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Early", NULL);
    sk_stream_want(talk.stream);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    assert_int_equal(talk.messages, 0);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
    assert_int_equal(rig.cancels, 0);
}

static const struct sk_header by_proxy[] = {{"via", "2.0 test"}, {0}};

/* What it was told last is there although its half is open; the status comes once that is closed. */
static void test_behind_a_proxy_the_status_waits_for_the_half_close(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    struct sk_instant began = sk_clock_boot();
    open_talk(&talk, &rig, "/t/Echo", by_proxy);
    talk.quiet = talk.greedy = true;
    talk.stop_at = 1;
    sk_stream_want(talk.stream);
    send_next(&talk);
    rig_run(&rig);
    assert_int_equal(talk.messages, 1);
    rig_wait(&rig, 50);
    if (talk.ends) /* cut, but not before half a second was over */
        assert_true(sk_instant_diff(sk_clock_boot(), began).ns >= SK_MSEC(500).ns);
    else
        sk_stream_half_close(talk.stream);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
    assert_int_equal(rig.cancels, 0);
    assert_int_equal(rig.overs, rig.calls);
}

/* Said after the answer, and thrown away. */
static void test_behind_a_proxy_late_words_are_dropped(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Echo", by_proxy);
    talk.greedy = true;
    talk.to_send = 20;
    sk_stream_want(talk.stream);
    send_next(&talk);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    assert_int_equal(talk.messages, 1);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
}

static void test_behind_a_proxy_an_open_half_is_cut_in_the_end(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Early", by_proxy);
    sk_stream_want(talk.stream);
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_OK);
    sk_stream_close(talk.stream);
    /* Who goes meanwhile, and a server that closes, wait for nobody. */
    open_talk(&talk, &rig, "/t/Early", by_proxy);
    sk_stream_close(talk.stream);
    open_talk(&talk, &rig, "/t/Early", by_proxy);
    rig_wait(&rig, 50);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
    assert_int_equal(rig.overs, rig.calls);
}

static void test_a_header_that_cannot_be_sent(void **state)
{
    const struct sk_header headers[] = {{"x-key", "\x01"}, {0}};
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Chat", headers);
    assert_int_equal(talk.ends, 0); /* never inside the call */
    run_to_end(&talk);
    assert_int_equal(talk.err.code, SK_INVALID_ARGUMENT);
    sk_stream_close(talk.stream);
    open_talk(&talk, &rig, "/t/Chat", headers);
    sk_stream_close(talk.stream); /* before it could say so */
    rig_teardown(&rig);
    assert_int_equal(talk.ends, 0);
}

static void test_server_closes_under_streams(void **state)
{
    struct rig rig;
    struct talk talk, poured;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Chat", NULL);
    sk_stream_want(talk.stream);
    open_talk(&poured, &rig, "/t/Pour", NULL); /* not read: a send is under way */
    while (rig.calls < 2 || !rig.sent)
        rig_wait(&rig, 5);
    rig_close_server(&rig);
    assert_int_equal(rig.cancels, 2);
    run_to_end(&talk);
    poured.greedy = true; /* what lies unread comes before the end */
    sk_stream_want(poured.stream);
    run_to_end(&poured);
    assert_int_not_equal(talk.err.code, SK_OK);
    assert_int_not_equal(poured.err.code, SK_OK);
    sk_stream_close(talk.stream);
    sk_stream_close(poured.stream);
    rig_teardown(&rig);
}

/* Who does not read what it is told last is not waited for for long. */
static void test_server_closes_under_an_answer_nobody_reads(void **state)
{
    struct rig rig;
    struct talk talk;

    (void)state;
    rig_setup(&rig, NULL);
    open_talk(&talk, &rig, "/t/Last", NULL);
    rig_run(&rig);
    rig_close_server(&rig);
    sk_stream_close(talk.stream);
    rig_teardown(&rig);
    assert_int_equal(rig.overs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways_and_half_close),
        cmocka_unit_test(test_half_close_right_after_a_send),
        cmocka_unit_test(test_a_slow_reader_holds_the_server),
        cmocka_unit_test(test_cancel_is_no_half_close),
        cmocka_unit_test(test_close_drops_a_stream_under_way),
        cmocka_unit_test(test_server_ends_first),
        cmocka_unit_test(test_behind_a_proxy_the_status_waits_for_the_half_close),
        cmocka_unit_test(test_behind_a_proxy_late_words_are_dropped),
        cmocka_unit_test(test_behind_a_proxy_an_open_half_is_cut_in_the_end),
        cmocka_unit_test(test_a_header_that_cannot_be_sent),
        cmocka_unit_test(test_server_closes_under_streams),
        cmocka_unit_test(test_server_closes_under_an_answer_nobody_reads),
    };
    sk_bridge_silence();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
