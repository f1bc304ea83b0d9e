/* rpc_rig.h: a loop, a server and a client of it in one process, for the
 * tests of rpc/. The server answers to a few method names:
 *   /t/Echo   unary: the request
 *   /t/Fail   unary: PERMISSION_DENIED with details
 *   /t/Big    unary: an answer larger than a message may be
 *   /t/Meta   unary: header x-test, whether there is a deadline, and the peer
 *   /t/Never  answers nothing until it is cancelled
 *   /t/Abort  aborts the call when its request has come
 *   /t/Pour   sends RIG_POURS chunks, each when the one before is taken
 *   /t/Chat   echoes every message until the half-close
 *   /t/Early  answers OK at once, without reading
 *   /t/Last   answers with RIG_LAST_BYTES, and stops the loop while they are on their way */
#ifndef SK_TESTS_RPC_RIG_H
#define SK_TESTS_RPC_RIG_H

#include "google/rpc/status.pb-c.h"
#include "rpc/client.h"
#include "rpc/message.h"
#include "rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define RIG_POURS      512
#define RIG_POUR_BYTES (64 * 1024)
#define RIG_LAST_BYTES (1024 * 1024) /* more than the client lets come before it reads */
#define RIG_LIMIT_S    250
#define RIG_PATIENCE_S 200 /* for calls that end by themselves */

typedef Google__Rpc__Status rig_message;

struct rig {
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    struct sk_server *server;
    struct sk_channel *channel;
    struct sk_timer watchdog;
    bool timed_out;
    unsigned closing;

    /* what the handlers saw */
    unsigned calls, cancels, half_closes, sent, received;
    unsigned overs; /* calls of which nothing is left */
    unsigned never; /* /t/Never calls under way */
};

static inline void rig_on_watchdog(struct sk_timer *timer)
{
    struct rig *rig = sk_container_of(timer, struct rig, watchdog);
    rig->timed_out = true;
    sk_loop_stop(rig->loop);
}

/* Runs until somebody stops the loop. */
static inline void rig_run(struct rig *rig)
{
    sk_timer_start(rig->loop, &rig->watchdog, sk_instant_add(sk_clock_boot(), SK_SEC(RIG_LIMIT_S)),
                   rig_on_watchdog);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->watchdog);
    assert_false(rig->timed_out);
}

struct rig_pause {
    struct sk_timer timer;
    struct sk_loop *loop;
};

static inline void rig_on_pause(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct rig_pause, timer)->loop);
}

/* Lets things happen, or not happen, for a while. */
static inline void rig_wait(struct rig *rig, int ms)
{
    struct rig_pause pause = {.loop = rig->loop};
    sk_timer_start(rig->loop, &pause.timer, sk_instant_add(sk_clock_boot(), SK_MSEC(ms)), rig_on_pause);
    rig_run(rig);
    sk_timer_stop(rig->loop, &pause.timer);
}

/* --- the server's side ------------------------------------------------------- */

struct rig_call {
    struct rig *rig;
    struct sk_server_call *call;
    unsigned left; /* chunks to pour */
};

static inline rig_message *rig_unpack(struct sk_arena *arena, grpc_byte_buffer *bytes)
{
    ProtobufCMessage *message = NULL;
    struct sk_err err;
    enum sk_code code = sk_message_unpack(arena, &google__rpc__status__descriptor, bytes, &message, &err);
    return code ? NULL : (rig_message *)message;
}

static inline void rig_on_echo(void *arg, grpc_byte_buffer *bytes)
{
    struct rig_call *own = arg;
    rig_message *message = bytes ? rig_unpack(sk_server_call_arena(own->call), bytes) : NULL;

    own->rig->received++;
    if (message)
        sk_server_call_finish(own->call, &message->base, SK_OK, NULL, NULL, 0);
    else
        sk_server_call_finish(own->call, NULL, SK_INVALID_ARGUMENT, "no request", NULL, 0);
}

static inline void rig_on_abort(void *arg, grpc_byte_buffer *bytes)
{
    struct rig_call *own = arg;

    (void)bytes;
    sk_server_call_abort(own->call, SK_RESOURCE_EXHAUSTED, "enough");
}

static inline void rig_on_over(void *arg)
{
    ((struct rig_call *)arg)->rig->overs++;
}

static inline void rig_on_chat(void *arg, grpc_byte_buffer *bytes)
{
    struct rig_call *own = arg;
    struct sk_arena arena = {0};

    if (!bytes) {
        own->rig->half_closes++;
        sk_server_call_finish(own->call, NULL, SK_OK, NULL, NULL, 0);
        return;
    }
    own->rig->received++;
    sk_server_call_send(own->call, &rig_unpack(&arena, bytes)->base);
    sk_arena_fini(&arena);
}

static inline void rig_on_chat_sent(void *arg)
{
    struct rig_call *own = arg;
    own->rig->sent++;
    sk_server_call_want(own->call);
}

static inline void rig_pour(void *arg)
{
    struct rig_call *own = arg;
    rig_message chunk = GOOGLE__RPC__STATUS__INIT;
    char text[RIG_POUR_BYTES + 1];

    if (own->left == 0) {
        sk_server_call_finish(own->call, NULL, SK_OK, NULL, NULL, 0);
        return;
    }
    memset(text, 'x', RIG_POUR_BYTES);
    text[RIG_POUR_BYTES] = 0;
    chunk.code = (int32_t)(RIG_POURS - own->left--);
    chunk.message = text;
    sk_server_call_send(own->call, &chunk.base);
}

static inline void rig_on_poured(void *arg)
{
    struct rig_call *own = arg;
    own->rig->sent++;
    rig_pour(arg);
}

static inline void rig_on_cancel(void *arg)
{
    struct rig_call *own = arg;
    own->rig->cancels++;
    sk_server_call_finish(own->call, NULL, SK_CANCELLED, "gone", NULL, 0);
}

static inline void rig_on_never_cancel(void *arg)
{
    ((struct rig_call *)arg)->rig->never--;
    rig_on_cancel(arg);
}

static inline void rig_meta(struct sk_server_call *call)
{
    rig_message answer = GOOGLE__RPC__STATUS__INIT;
    const char *header = sk_server_call_header(call, "x-test");

    answer.code = sk_instant_is_set(sk_server_call_deadline(call));
    answer.message = sk_arena_printf(sk_server_call_arena(call), "%s %s", header ? header : "-",
                                     sk_server_call_peer(call));
    sk_server_call_finish(call, &answer.base, SK_OK, NULL, NULL, 0);
}

static inline void rig_big(struct sk_server_call *call, size_t len)
{
    rig_message answer = GOOGLE__RPC__STATUS__INIT;

    answer.message = sk_alloc(len + 1);
    memset(answer.message, 'x', len);
    sk_server_call_finish(call, &answer.base, SK_OK, NULL, NULL, 0);
    free(answer.message);
}

static inline void rig_last(struct rig *rig, struct sk_server_call *call)
{
    rig_big(call, RIG_LAST_BYTES);
    sk_loop_stop(rig->loop);
}

static inline void rig_on_call(void *arg, struct sk_server_call *call)
{
    struct rig *rig = arg;
    struct rig_call *own = sk_arena_alloc(sk_server_call_arena(call), sizeof(*own));
    const char *method = sk_server_call_method(call);
    struct sk_server_call_events events = {.on_cancel = rig_on_cancel, .on_over = rig_on_over};

    *own = (struct rig_call){rig, call, RIG_POURS};
    rig->calls++;
    if (strcmp(method, "/t/Echo") == 0) {
        events.on_message = rig_on_echo;
    } else if (strcmp(method, "/t/Abort") == 0) {
        events.on_message = rig_on_abort;
    } else if (strcmp(method, "/t/Chat") == 0) {
        events.on_message = rig_on_chat;
        events.on_sent = rig_on_chat_sent;
    } else if (strcmp(method, "/t/Never") == 0) {
        events.on_cancel = rig_on_never_cancel;
        rig->never++;
    } else if (strcmp(method, "/t/Pour") == 0) {
        events.on_sent = rig_on_poured;
    }
    sk_server_call_set(call, &events, own);
    if (events.on_message)
        sk_server_call_want(call);
    else if (events.on_sent)
        rig_pour(own);
    else if (strcmp(method, "/t/Meta") == 0)
        rig_meta(call);
    else if (strcmp(method, "/t/Big") == 0)
        rig_big(call, SK_RPC_MESSAGE_MAX);
    else if (strcmp(method, "/t/Early") == 0)
        sk_server_call_finish(call, NULL, SK_OK, NULL, NULL, 0);
    else if (strcmp(method, "/t/Last") == 0)
        rig_last(rig, call);
    else if (strcmp(method, "/t/Fail") == 0)
        sk_server_call_finish(call, NULL, SK_PERMISSION_DENIED, "not you", (const uint8_t *)"a\0b\xff", 4);
}

/* --- life ---------------------------------------------------------------------- */

static inline struct sk_channel *rig_connect(struct rig *rig, const char *target)
{
    const struct sk_header headers[] = {{"x-test", "tested"}, {0}};
    const struct sk_channel_options options = {
        .target = target, .max_receive_bytes = SK_RPC_MESSAGE_MAX, .headers = headers};
    struct sk_channel *channel = NULL;
    struct sk_err err;

    assert_int_equal(sk_channel_new(rig->bridge, &options, &channel, &err), SK_OK);
    return channel;
}

/* listen: NULL = any port of loopback. */
static inline void rig_setup(struct rig *rig, const char *listen)
{
    const char *const addresses[] = {listen ? listen : "127.0.0.1:0", NULL};
    const struct sk_server_options options = {.listen = addresses, .on_call = rig_on_call, .arg = rig};
    char target[64];
    struct sk_err err;

    *rig = (struct rig){0};
    assert_int_equal(sk_loop_new(&rig->loop, &err), SK_OK);
    assert_int_equal(sk_bridge_new(rig->loop, &rig->bridge, &err), SK_OK);
    assert_int_equal(sk_server_new(rig->bridge, NULL, &options, &rig->server, &err), SK_OK);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", sk_server_port(rig->server, 0));
    rig->channel = rig_connect(rig, listen ? listen : target);
}

struct rig_wait_done {
    struct sk_done done;
    struct sk_loop *loop;
    bool fired;
};

static inline void rig_on_done(struct sk_done *done, const struct sk_err *err)
{
    struct rig_wait_done *wait = sk_container_of(done, struct rig_wait_done, done);
    (void)err;
    wait->fired = true;
    sk_loop_stop(wait->loop);
}

static inline void rig_close_server(struct rig *rig)
{
    struct rig_wait_done wait = {.loop = rig->loop};
    sk_done_init(&wait.done, rig_on_done);
    sk_server_close(rig->server, &wait.done);
    while (!wait.fired)
        rig_run(rig);
    rig->server = NULL;
}

static inline void rig_teardown(struct rig *rig)
{
    struct rig_wait_done wait = {.loop = rig->loop};

    if (rig->server)
        rig_close_server(rig);
    sk_channel_free(rig->channel);
    sk_done_init(&wait.done, rig_on_done);
    sk_bridge_close(rig->bridge, &wait.done);
    while (!wait.fired)
        rig_run(rig);
    assert_int_equal(rig->never, 0);
    assert_int_equal(rig->overs, rig->calls); /* however they ended */
    sk_loop_free(rig->loop);
}

/* --- a unary call -------------------------------------------------------------- */

struct rig_unary {
    struct sk_done done;
    struct rig *rig;
    struct sk_arena arena;
    ProtobufCMessage *response;
    bool fired;
    struct sk_err err; /* code SK_OK when it succeeded */
    uint8_t details[64];
    size_t details_len;
    unsigned *left; /* calls still under way; the last one stops the loop */
};

static inline void rig_on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct rig_unary *unary = sk_container_of(done, struct rig_unary, done);
    struct sk_call_failure failure = sk_channel_failure(unary->rig->channel);

    unary->fired = true;
    unary->err = err ? *err : (struct sk_err){0};
    if (failure.details && failure.details_len <= sizeof(unary->details)) {
        memcpy(unary->details, failure.details, failure.details_len);
        unary->details_len = failure.details_len;
    }
    if (!unary->left || --*unary->left == 0)
        sk_loop_stop(unary->rig->loop);
}

static inline void rig_start(struct rig *rig, struct rig_unary *unary, const char *path, const char *text,
                             struct sk_duration timeout)
{
    const struct sk_method method = {path, &google__rpc__status__descriptor};
    rig_message request = GOOGLE__RPC__STATUS__INIT;

    unary->rig = rig;
    request.message = (char *)text;
    sk_done_init(&unary->done, rig_on_answer);
    sk_call_unary(rig->channel, &method, &request.base, NULL, timeout, &unary->arena, &unary->response,
                  &unary->done);
}

static inline void rig_call(struct rig *rig, struct rig_unary *unary, const char *path, const char *text)
{
    *unary = (struct rig_unary){0};
    rig_start(rig, unary, path, text, SK_SEC(RIG_PATIENCE_S));
    while (!unary->fired)
        rig_run(rig);
}

static inline const char *rig_text(const struct rig_unary *unary)
{
    return ((const rig_message *)unary->response)->message;
}

#endif
