/* fake_call.h: one call of a server without a server: what handlers in api/
 * say to it is kept, what a client would say to them is put in by hand. A test
 * that includes this has its sk_server_call_* instead of those in rpc/. */
#ifndef SK_TESTS_FAKE_CALL_H
#define SK_TESTS_FAKE_CALL_H

#include "api/handlers.h"
#include "rpc/message.h"
#include "support/world.h"

#define FAKE_SENT_MAX 64

struct sk_server_call {
    struct sk_arena arena;
    struct sk_call call;
    struct sk_loop *loop;
    struct sk_server_call_events events;
    void *arg;
    struct sk_task room;
    bool wants, sending;
    bool slow; /* the client does not read: there is room once the test says so */
    struct sk_arena kept;
    ProtobufCMessage *sent[FAKE_SENT_MAX]; /* the last words among them */
    size_t sent_count;
    bool over;
    enum sk_code code;
    char text[512];
};

static inline void fake_keep(struct sk_server_call *rpc, const ProtobufCMessage *message)
{
    size_t len;
    uint8_t *bytes = sk_pb_pack(&rpc->kept, message, &len);

    assert_true(rpc->sent_count < FAKE_SENT_MAX);
    rpc->sent[rpc->sent_count++] = sk_pb_unpack(&rpc->kept, message->descriptor, bytes, len);
}

static inline void fake_room(struct sk_task *task)
{
    struct sk_server_call *rpc = sk_container_of(task, struct sk_server_call, room);

    rpc->sending = false;
    rpc->events.on_sent(rpc->arg);
}

void sk_server_call_cut(struct sk_server_call *rpc)
{
    if (!rpc->over && rpc->events.on_cancel)
        rpc->events.on_cancel(rpc->arg);
}

/* --- what handlers call --------------------------------------------------------------- */

void sk_server_call_set(struct sk_server_call *rpc, const struct sk_server_call_events *events, void *arg)
{
    rpc->events = *events;
    rpc->arg = arg;
}

void sk_server_call_want(struct sk_server_call *rpc)
{
    assert_false(rpc->over);
    rpc->wants = true;
}

void sk_server_call_send(struct sk_server_call *rpc, const ProtobufCMessage *message)
{
    assert_false(rpc->over || rpc->sending);
    rpc->sending = true;
    fake_keep(rpc, message);
    if (!rpc->slow)
        sk_loop_defer(rpc->loop, &rpc->room, fake_room);
}

void sk_server_call_finish(struct sk_server_call *rpc, const ProtobufCMessage *message, enum sk_code code,
                           const char *text, const uint8_t *details, size_t details_len)
{
    (void)details;
    (void)details_len;
    assert_false(rpc->over);
    if (message)
        fake_keep(rpc, message);
    rpc->over = true;
    rpc->code = code;
    (void)snprintf(rpc->text, sizeof(rpc->text), "%s", text);
    sk_loop_undefer(&rpc->room);
    sk_arena_fini(&rpc->arena); /* whoever touches the call now is caught by the sanitizer */
}

void sk_server_call_give(struct sk_server_call *rpc, uint8_t *data_take, size_t len)
{
    (void)rpc;
    (void)len;
    free(data_take);
}

void sk_server_call_abort(struct sk_server_call *rpc, enum sk_code code, const char *text)
{
    (void)code;
    (void)text;
    rpc->events.on_cancel(rpc->arg);
}

const char *sk_server_call_method(const struct sk_server_call *rpc)
{
    (void)rpc;
    return "/fake.Service/Method";
}

const char *sk_server_call_peer(const struct sk_server_call *rpc)
{
    (void)rpc;
    return "nobody";
}

const char *sk_server_call_header(struct sk_server_call *rpc, const char *name)
{
    (void)rpc;
    (void)name;
    return NULL;
}

void sk_server_call_greet(struct sk_server_call *rpc, const char *name, const char *value)
{
    (void)rpc;
    (void)name;
    (void)value;
}

struct sk_instant sk_server_call_deadline(const struct sk_server_call *rpc)
{
    (void)rpc;
    return (struct sk_instant){0};
}

struct sk_arena *sk_server_call_arena(struct sk_server_call *rpc)
{
    return &rpc->arena;
}

/* --- what tests call ---------------------------------------------------------------------- */

static inline void fake_open(struct sk_server_call *rpc, struct world *w, const char *path, unsigned *imports)
{
    *rpc = (struct sk_server_call){.loop = w->loop};
    rpc->call = (struct sk_call){.rpc = rpc,
                                 .arena = &rpc->arena,
                                 .node = w->node,
                                 .caller = {.tenant = SK_TENANT_DEFAULT, .key_id = "", .is_admin = true},
                                 .is_let_in = true,
                                 .imports = imports};
    assert_true(sk_method_find(path, &rpc->call.method));
    rpc->call.began = sk_loop_now(w->loop);
}

/* Begins a call of a streaming method. */
static inline void fake_begin(struct sk_server_call *rpc, struct world *w, const char *path,
                              unsigned *imports)
{
    fake_open(rpc, w, path, imports);
    rpc->call.method.stream(&rpc->call);
}

/* One of a unary method; the request lives as long as the call, and no longer. */
static inline void fake_ask(struct sk_server_call *rpc, struct world *w, const char *path,
                            const ProtobufCMessage *request)
{
    size_t len;

    fake_open(rpc, w, path, NULL);
    const uint8_t *bytes = sk_pb_pack(&rpc->arena, request, &len);
    rpc->call.method.unary(&rpc->call, sk_pb_unpack(&rpc->arena, request->descriptor, bytes, len));
}

/* Only what is wanted can come. NULL: the client says no more. */
static inline void fake_say(struct sk_server_call *rpc, const ProtobufCMessage *message)
{
    grpc_byte_buffer *bytes = message ? sk_message_pack(message) : NULL;

    assert_true(rpc->wants && !rpc->over);
    rpc->wants = false;
    rpc->events.on_message(rpc->arg, bytes);
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
}

static inline void fake_cancel(struct sk_server_call *rpc)
{
    sk_loop_undefer(&rpc->room);
    rpc->events.on_cancel(rpc->arg);
}

static inline void fake_fini(struct sk_server_call *rpc)
{
    sk_loop_undefer(&rpc->room);
    sk_arena_fini(&rpc->arena);
    sk_arena_fini(&rpc->kept);
}

#endif
