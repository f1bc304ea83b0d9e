#include "rpc/server_call.h"

#include <assert.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

/* Further away than this is never. */
#define DEADLINE_MAX_S (10LL * 365 * 24 * 3600)

static void drop(grpc_byte_buffer *bytes)
{
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
}

static void call_free(struct sk_server_call *call)
{
    struct sk_server *server = call->server;
    const bool was_answer = call->finished;

    if (call->events.on_over)
        call->events.on_over(call->arg);
    if (call->grpc)
        grpc_call_unref(call->grpc);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->headers);
    drop(call->early);
    drop(call->outbox);
    drop(call->last.message);
    grpc_slice_unref(call->last.text);
    grpc_slice_unref(call->last.trailer.value);
    grpc_slice_unref(call->greeting.value);
    free(call->gift);
    sk_arena_fini(&call->arena);
    free(call);
    server->calls--;
    server->answers -= was_answer;
    sk_server_settle(server);
}

void sk_server_call_hold(struct sk_server_call *call)
{
    call->held++;
}

void sk_server_call_release(struct sk_server_call *call)
{
    if (--call->held == 0 && call->finished)
        call_free(call);
}

void sk_server_call_batch(struct sk_server_call *call, const grpc_op *ops, size_t count, struct sk_tag *tag)
{
    grpc_call_error error = grpc_call_start_batch(call->grpc, ops, count, tag, NULL);

    /* Only misuse is refused, and what these files start is in order. */
    assert(error == GRPC_CALL_OK);
    (void)error;
    sk_server_call_hold(call);
}

/* --- cancellation --------------------------------------------------------------- */

static void on_closed(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, closed);

    (void)ok;
    if (call->gone && !call->finished) {
        call->cancelled = true;
        if (!call->cut && call->events.on_cancel)
            call->events.on_cancel(call->arg);
    }
    sk_server_call_release(call);
}

/* At once for every call: nothing else tells that the client is gone. */
static void watch_close(struct sk_server_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server = {&call->gone}};

    call->closed.fn = on_closed;
    sk_server_call_batch(call, &op, 1, &call->closed);
}

void sk_server_call_cut(struct sk_server_call *call)
{
    if (!sk_server_call_listens(call) || !call->events.on_cancel)
        return;
    call->cut = true;
    call->events.on_cancel(call->arg);
}

void sk_server_call_abort(struct sk_server_call *call, enum sk_code code, const char *text)
{
    (void)grpc_call_cancel_with_status(call->grpc, (grpc_status_code)code, text, NULL);
}

/* --- a call's beginning ---------------------------------------------------------------- */

static const char *text_of(struct sk_arena *arena, grpc_slice slice)
{
    return sk_arena_strndup(arena, (const char *)GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
}

static struct sk_instant instant_of(const struct sk_loop *loop, gpr_timespec deadline)
{
    gpr_timespec at = gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC);
    gpr_timespec left = gpr_time_sub(at, gpr_now(GPR_CLOCK_MONOTONIC));

    if (left.tv_sec > DEADLINE_MAX_S)
        return (struct sk_instant){0};
    struct sk_instant instant =
        sk_instant_add(sk_loop_now(loop), SK_NS(left.tv_sec * 1000000000 + left.tv_nsec));
    return instant.ns > 0 ? instant : (struct sk_instant){1};
}

static void read_beginning(struct sk_server_call *call)
{
    char *peer = grpc_call_get_peer(call->grpc);

    call->method = text_of(&call->arena, call->details.method);
    call->peer = sk_arena_strdup(&call->arena, peer);
    call->by_proxy = sk_server_call_header(call, "via") != NULL; /* RFC 9110, section 7.6.3 */
    gpr_free(peer);
    call->deadline = instant_of(sk_bridge_loop(call->server->bridge), call->details.deadline);
}

static void on_requested(struct sk_tag *tag, bool ok)
{
    struct sk_server_call *call = sk_container_of(tag, struct sk_server_call, requested);

    if (!ok || call->server->closing) { /* a call without any batch is cancelled when it is freed */
        call_free(call);
        return;
    }
    sk_server_call_await(call->server);
    sk_server_call_hold(call);
    watch_close(call);
    read_beginning(call);
    call->server->on_call(call->server->arg, call);
    sk_server_call_release(call);
}

void sk_server_call_await(struct sk_server *server)
{
    struct sk_server_call *call = sk_alloc(sizeof(*call));
    grpc_completion_queue *queue = sk_bridge_queue(server->bridge);

    call->server = server;
    call->requested.fn = on_requested;
    call->last.text = call->last.trailer.value = call->greeting.value = grpc_empty_slice();
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->headers);
    server->calls++;
    grpc_call_error error = grpc_server_request_call(server->grpc, &call->grpc, &call->details,
                                                     &call->headers, queue, queue, &call->requested);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* --- what a handler may ask ---------------------------------------------------------------- */

void sk_server_call_set(struct sk_server_call *call, const struct sk_server_call_events *events, void *arg)
{
    call->events = *events;
    call->arg = arg;
}

const char *sk_server_call_method(const struct sk_server_call *call)
{
    return call->method;
}

const char *sk_server_call_peer(const struct sk_server_call *call)
{
    return call->peer;
}

const char *sk_server_call_header(struct sk_server_call *call, const char *name)
{
    for (size_t i = 0; i < call->headers.count; i++) {
        const grpc_metadata *item = &call->headers.metadata[i];
        if (grpc_slice_str_cmp(item->key, name) == 0)
            return text_of(&call->arena, item->value);
    }
    return NULL;
}

struct sk_instant sk_server_call_deadline(const struct sk_server_call *call)
{
    return call->deadline;
}

struct sk_arena *sk_server_call_arena(struct sk_server_call *call)
{
    return &call->arena;
}
