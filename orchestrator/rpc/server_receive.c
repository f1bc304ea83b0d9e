/* server_receive.c: the client's messages, each when the handler wants it. */
#include "rpc/server_call.h"

#include <assert.h>

/* How long an answered client may leave its half open before it is cut. */
#define LINGER SK_MSEC(500)

static void receive(struct sk_server_call *call);

/* A stream's next message is on its way while the handler is busy with this one. Not the second
 * of all: most calls have one only, and some hold the first back to spare memory. */
static void deliver(struct sk_server_call *call, grpc_byte_buffer *bytes_take)
{
    call->wants = false;
    call->told_end = !bytes_take;
    if (bytes_take && call->wanted > 1)
        receive(call);
    if (call->events.on_message)
        call->events.on_message(call->arg, bytes_take);
    if (bytes_take)
        grpc_byte_buffer_destroy(bytes_take);
}

static void stop_lingering(struct sk_server_call *call)
{
    call->lingers = false;
    sk_server_call_send_status(call);
}

static void go_on_lingering(struct sk_server_call *call, grpc_byte_buffer *bytes_take)
{
    if (bytes_take) {
        grpc_byte_buffer_destroy(bytes_take);
        receive(call);
    } else {
        sk_timer_stop(sk_bridge_loop(call->server->bridge), &call->lingering);
        stop_lingering(call);
    }
}

static void on_received(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, received);
    grpc_byte_buffer *bytes = sk_take(call->incoming);
    /* A reset stream ends like a half-closed one; it is not the same: on_cancel follows. */
    call->broken = !ok || (!bytes && grpc_call_failed_before_recv_message(call->grpc));
    call->receiving = false;
    call->half_closed |= !bytes;
    if (call->lingers)
        go_on_lingering(call, bytes);
    else if (call->wants && !call->broken && sk_server_call_listens(call))
        deliver(call, bytes);
    else
        call->early = bytes;
    sk_server_call_release(call);
}

static void receive(struct sk_server_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&call->incoming}};

    call->receiving = true;
    call->received.fn = on_received;
    sk_server_call_batch(call, &op, 1, &call->received);
}

static void on_lingered(struct sk_timer *timer)
{
    stop_lingering(sk_container_of(timer, struct sk_server_call, lingering));
}

void sk_server_call_linger(struct sk_server_call *call)
{
    struct sk_loop *loop = sk_bridge_loop(call->server->bridge);

    if (call->early)
        grpc_byte_buffer_destroy(sk_take(call->early));
    if (!call->receiving)
        receive(call);
    call->lingers = true;
    sk_timer_start(loop, &call->lingering, sk_instant_add(sk_loop_now(loop), LINGER), on_lingered);
}

static void on_early_turn(struct sk_task *task)
{
    struct sk_server_call *call = sk_container_of(task, struct sk_server_call, early_turn);

    if (sk_server_call_listens(call) && !call->broken)
        deliver(call, sk_take(call->early));
    sk_server_call_release(call);
}

void sk_server_call_want(struct sk_server_call *call)
{
    assert(!call->finished);
    if (call->wants || call->told_end || call->cancelled)
        return;
    call->wants = true;
    call->wanted++;
    if (call->early || call->half_closed) {
        sk_server_call_hold(call);
        sk_loop_defer(sk_bridge_loop(call->server->bridge), &call->early_turn, on_early_turn);
    } else if (!call->receiving) {
        receive(call);
    }
}
