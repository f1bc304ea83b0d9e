/* server.h: a gRPC server on the loop: listeners and raw calls. Which methods
 * exist and what they mean is api/'s business.
 *
 * Threads: loop only. */
#ifndef SK_RPC_SERVER_H
#define SK_RPC_SERVER_H

#include "base/arena.h"
#include "base/log.h"
#include "rpc/bridge.h"

#include <grpc/byte_buffer.h>
#include <protobuf-c/protobuf-c.h>

/* 100 MiB, both directions: what the published SDKs set for their own ends. */
#define SK_RPC_MESSAGE_MAX (100 << 20)

struct sk_server;
struct sk_tls;
struct sk_server_call;

struct sk_server_options {
    const char *const *listen; /* "host:port" or "unix:/path"; NULL-terminated; port 0 = any */
    struct sk_tls *tls;        /* a reference is taken; NULL = plain */
    /* A new call. It is the handler's until sk_server_call_finish. */
    void (*on_call)(void *arg, struct sk_server_call *call);
    void *arg;
};

/* Binds and serves. Errors: SK_UNAVAILABLE naming the address that is taken,
 * SK_INVALID_ARGUMENT for a certificate or key that is none. */
SK_MUST_CHECK enum sk_code sk_server_new(struct sk_bridge *bridge, const struct sk_log *log,
                                         const struct sk_server_options *options,
                                         struct sk_server **out_server, struct sk_err *err);
/* The port of the n-th listener (0 for unix). */
int sk_server_port(const struct sk_server *server, size_t n);
/* Takes no new calls, lets answers that are on their way reach their clients (2 s at most: some do not read),
 * cancels the calls under way, waits until all have been finished by their handlers, frees, then fires. */
void sk_server_close(struct sk_server *server, struct sk_done *done);

/* --- one call ----------------------------------------------------------------
 * Callbacks are set by the handler in on_call; each may be NULL. */
struct sk_server_call_events {
    /* One message after sk_server_call_want(); NULL = the client half-closed.
     * The buffer is borrowed for the callback. Too big or broken: the call is cancelled by gRPC.
     * No NULL comes when the client resets the stream: that is on_cancel. */
    void (*on_message)(void *arg, grpc_byte_buffer *message);
    /* There is room for another sk_server_call_send: at most one message waits behind the one on its way.
     * Not called once cancelled. */
    void (*on_sent)(void *arg);
    /* The client went away or its deadline passed. The handler must still finish. */
    void (*on_cancel)(void *arg);
    /* The last callback: all is over, the last words have left or been dropped, and the call is about to be
     * freed. Comes however the call ended. */
    void (*on_over)(void *arg);
};

void sk_server_call_set(struct sk_server_call *call, const struct sk_server_call_events *events, void *arg);
const char *sk_server_call_method(const struct sk_server_call *call); /* "/pkg.Service/Method" */
const char *sk_server_call_peer(const struct sk_server_call *call);   /* "ipv4:127.0.0.1:4711" */
/* First value of a request header (lower-case name), or NULL; borrowed from the call. */
const char *sk_server_call_header(struct sk_server_call *call, const char *name);
/* The client's deadline; unset = none. */
struct sk_instant sk_server_call_deadline(const struct sk_server_call *call);
/* One header of the answer; before anything is sent. `name` is static and lower-case, `value` copied: both as
 * gRPC allows them. */
void sk_server_call_greet(struct sk_server_call *call, const char *name, const char *value);
/* Freed with the call. */
struct sk_arena *sk_server_call_arena(struct sk_server_call *call);

void sk_server_call_want(struct sk_server_call *call);
/* Before either of the next two: one field of bytes of their message, wherever it is, is all of data_take,
 * which is not copied if it is big, and free()d by us. */
void sk_server_call_give(struct sk_server_call *call, uint8_t *data_take, size_t len);
/* One at a time; on_sent follows. At most SK_RPC_MESSAGE_MAX packed. */
void sk_server_call_send(struct sk_server_call *call, const ProtobufCMessage *message);
/* Ends the call: the status, and a last message before it if not NULL (one that
 * is too big to be sent becomes SK_RESOURCE_EXHAUSTED).
 * details: packed google.rpc.Status for the trailer, or NULL. No callback
 * afterwards but on_over; the call must not be touched again. A send under way is completed first. */
void sk_server_call_finish(struct sk_server_call *call, const ProtobufCMessage *message, enum sk_code code,
                           const char *text, const uint8_t *details, size_t details_len);
/* on_cancel now, as if the client had gone away, so that the handler lets go. It has not: the handler's
 * answer reaches it. Nothing when the handler has finished, or knows already. */
void sk_server_call_cut(struct sk_server_call *call);
/* Ends the call from our side, whatever it is doing: the client gets this
 * status, and one that reads too slowly loses its answer. on_cancel follows unless the handler has finished.
 */
void sk_server_call_abort(struct sk_server_call *call, enum sk_code code, const char *text);

#endif
