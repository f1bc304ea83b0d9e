/* call.h: one RPC: its memory, its log, and exactly one answer.
 *
 * A call lives in the arena of its sk_server_call, from sk_api_on_call to
 * sk_call_reply or sk_call_fail; neither it nor anything in its arena may be
 * touched afterwards. */
#ifndef SK_API_CALL_H
#define SK_API_CALL_H

#include "api/call_meters.h"
#include "api/caller.h"
#include "api/check.h"
#include "api/gate.h"
#include "api/messages.h"
#include "api/methods.h"
#include "api/reloader.h"
#include "api/request_id.h"
#include "api/status.h"
#include "api/witness.h"
#include "core/session.h"
#include "core/stay.h"
#include "identity/guests.h"
#include "identity/keys.h"
#include "rpc/server.h"
#include "trace/trace.h"

struct sk_fan_out;
struct sk_fleet;

struct sk_call {
    struct sk_server_call *rpc;
    struct sk_arena *arena;
    struct sk_node *node;
    const struct sk_log *log; /* carries the ids */
    struct sk_log own_log;    /* which is this, below the api's */
    char request_id[SK_REQUEST_ID_LEN + 1];
    struct sk_span span; /* zeroed: not traced */
    struct sk_about about;
    struct sk_strangers *strangers; /* the api's; may be NULL */
    const char *client_id;          /* what the client calls it, cleaned; NULL = nothing */
    struct sk_method method;
    struct sk_caller caller;
    bool is_let_in; /* it is known who calls; until then `caller` is what callers begin as, and counts for
                       nothing */
    bool is_proven; /* of a stream that needs no key: there was one that is known here, or none is needed by
                       that way */
    bool is_hop;    /* another node asks for one of its callers: no further node is to be asked */
    struct sk_fleet *fleet;     /* the other nodes; NULL = there are none */
    struct sk_fan_out *fan_out; /* what they are being asked */
    struct sk_list under_way;   /* among the api's calls, from when it is known who calls */
    struct sk_guest_use
        guest_use; /* until it is answered; nothing when no other server vouches for the caller */
    struct sk_keys *keys;
    struct sk_instant began;
    struct sk_call_meters *meters;      /* the api's */
    struct sk_call_meter *meter;        /* NULL = it is not counted */
    struct sk_stay stay;                /* until it is answered */
    struct sk_gate *gate;               /* for what is big */
    unsigned *imports;                  /* of images, under way in all calls */
    const struct sk_reloader *reloader; /* the api's */
    struct sk_pass pass;                /* of a bulky call */
    struct sk_done *inside;             /* who waits for the pass */
    void *state;                        /* the handler's */
    /* The client went away or its deadline passed; set by handlers that can
     * give up early. They must still answer. Unary calls only. */
    void (*on_cancel)(struct sk_call *call);
};

/* Asks for the one request of a unary method, unpacks it, calls the handler. */
void sk_call_run_unary(struct sk_call *call);
/* The same for one whose request may be big: it is asked for when the gate lets it in. */
void sk_call_run_bulky(struct sk_call *call);
/* For one whose answer may be big: done fires when the gate has let it in. The gate is left when the answer
 * is out of our hands. */
void sk_call_await_room(struct sk_call *call, struct sk_done *done);
/* It holds no more than `bytes`. */
void sk_call_need_room(struct sk_call *call, size_t bytes);

/* Answers. message may be NULL on streams only. */
void sk_call_reply(struct sk_call *call, const ProtobufCMessage *message);
void sk_call_fail(struct sk_call *call, const struct sk_err *err);
void sk_call_fail_with(struct sk_call *call, const struct sk_err *err, const struct sk_fact *facts);
/* The same, with all that was found wrong; `check` must hold something. */
void sk_call_fail_check(struct sk_call *call, const struct sk_check *check);
/* SK_DEADLINE_EXCEEDED or SK_CANCELLED, by the clock; for cancelled calls. */
enum sk_code sk_call_cancel_code(const struct sk_call *call);
/* That code, with a sentence; for streams. */
void sk_call_gone(const struct sk_call *call, struct sk_err *out_err);

/* A message buffer as a request in the call's arena. */
SK_MUST_CHECK enum sk_code sk_call_unpack(struct sk_call *call, grpc_byte_buffer *bytes,
                                          ProtobufCMessage **out_message, struct sk_err *err);
/* The sandbox a request names. Errors: SK_UNAVAILABLE + RUNNER_UNAVAILABLE, with the node, when a peer made
 * it; SK_NOT_FOUND + SANDBOX_NOT_FOUND for any other text that names none of the caller's. */
SK_MUST_CHECK enum sk_code sk_call_find(struct sk_call *call, const char *id, struct sk_sandbox **out_sandbox,
                                        struct sk_err *err);
/* The same for sessions: SESSION_NOT_FOUND. What belongs to others is not there. */
SK_MUST_CHECK enum sk_code sk_call_find_session(struct sk_call *call, const char *id,
                                                struct sk_session **out_session, struct sk_err *err);
/* Whose things a list may show; NULL = everyone's. */
const char *sk_call_scope(const struct sk_call *call);
/* There is one container; any name but its own, or none, is SK_NOT_FOUND. */
SK_MUST_CHECK enum sk_code sk_call_check_container(struct sk_call *call, const struct sk_sandbox *sandbox,
                                                   const char *name, struct sk_err *err);

#endif
