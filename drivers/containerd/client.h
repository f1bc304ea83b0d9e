/* client.h: containerd's gRPC API as we use it: one channel for calls, one for
 * blobs, our namespace on every call, a time limit on every call.
 *
 * A call that fails with SK_UNAVAILABLE answers once it is known whether that
 * means containerd itself: who listens to the pulse has been told by then.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_CLIENT_H
#define SK_CONTAINERD_CLIENT_H

#include "base/arena.h"
#include "base/log.h"
#include "drivers/containerd/meters.h"
#include "drivers/containerd/pulse.h"
#include "rpc/client.h"

/* Seconds. Making a task runs the OCI runtime, which a busy disk can delay. */
#define SK_CTD_LIMIT        SK_SEC(10)
#define SK_CTD_CREATE_LIMIT SK_SEC(60)

/* The largest answer we take: a Tasks.List of some ten thousand tasks. */
#define SK_CTD_RECEIVE_MAX ((size_t)16 * 1024 * 1024)
/* The same of writes, which are answered with offsets. gRPC lets channels that are alike share a connection:
 * these must differ. */
#define SK_CTD_BULK_RECEIVE_MAX ((size_t)64 * 1024)

enum sk_ctd_method {
    SK_CTD_VERSION,
    SK_CTD_NAMESPACE_CREATE,
    SK_CTD_PLUGINS,
    SK_CTD_IMAGE_GET,
    SK_CTD_IMAGE_LIST,
    SK_CTD_IMAGE_CREATE,
    SK_CTD_IMAGE_UPDATE,
    SK_CTD_IMAGE_DELETE,
    SK_CTD_CONTENT_INFO,
    SK_CTD_CONTENT_UPDATE,
    SK_CTD_CONTENT_READ,
    SK_CTD_CONTENT_WRITE,
    SK_CTD_CONTENT_WRITES,
    SK_CTD_CONTENT_ABORT,
    SK_CTD_LEASE_CREATE,
    SK_CTD_LEASE_DELETE,
    SK_CTD_LEASE_LIST,
    SK_CTD_LEASE_ADD,
    SK_CTD_DIFF_APPLY,
    SK_CTD_SNAPSHOT_PREPARE,
    SK_CTD_SNAPSHOT_COMMIT,
    SK_CTD_SNAPSHOT_USAGE,
    SK_CTD_SNAPSHOT_MOUNTS,
    SK_CTD_SNAPSHOT_STAT,
    SK_CTD_SNAPSHOT_REMOVE,
    SK_CTD_SNAPSHOT_LIST,
    SK_CTD_CONTAINER_CREATE,
    SK_CTD_CONTAINER_DELETE,
    SK_CTD_CONTAINER_LIST,
    SK_CTD_TASK_CREATE,
    SK_CTD_TASK_START,
    SK_CTD_TASK_GET,
    SK_CTD_TASK_LIST,
    SK_CTD_TASK_KILL,
    SK_CTD_TASK_WAIT,
    SK_CTD_TASK_DELETE,
    SK_CTD_SUBSCRIBE,
    SK_CTD_STREAM,
    SK_CTD_TRANSFER,
    SK_CTD_METHOD_COUNT,
};
_Static_assert(SK_CTD_METHOD_COUNT <= SK_CTD_METERS_MAX, "there is a meter for each method");

struct sk_ctd_client {
    struct sk_channel *channel;  /* owned */
    struct sk_channel *bulk;     /* owned; for blobs: behind what fills a connection no other call may wait */
    struct sk_loop *loop;        /* borrowed */
    const struct sk_log *log;    /* borrowed, may be NULL */
    char *namespace;             /* owned */
    char *snapshotter;           /* owned */
    struct sk_pulse pulse;       /* opened and closed by the client's owner */
    struct sk_ctd_meters meters; /* by the client's owner */
    size_t under_way;            /* calls that have not answered */
    struct sk_done *idle;        /* of sk_ctd_client_close */
};

/* Does not connect yet: that happens with the first call, and again as often
 * as needed. */
SK_MUST_CHECK enum sk_code sk_ctd_client_init(struct sk_ctd_client *client, struct sk_bridge *bridge,
                                              const struct sk_log *log, const char *socket,
                                              const char *namespace, const char *snapshotter,
                                              struct sk_err *err);
/* Waits for the calls under way, which all have limits, frees what the
 * client holds, then fires. */
void sk_ctd_client_close(struct sk_ctd_client *client, struct sk_done *done);

/* Something else under way that needs the client: it is not closed before it has been let go of. */
void sk_ctd_hold(struct sk_ctd_client *client);
/* Fires done first. */
void sk_ctd_let_go(struct sk_ctd_client *client, struct sk_done *done, const struct sk_err *err);

/* Whether a call that ended so leaves it open if containerd is there: ask the pulse (sk_pulse_feel) before
 * answering. For streams that are not calls of this client. */
bool sk_ctd_is_doubtful(const struct sk_ctd_client *client, enum sk_code code);

/* The header that names a lease. */
#define SK_CTD_LEASE_HEADER "containerd-lease"

/* Codes that are as good as success to a caller. */
#define SK_FORGIVE(code) (1u << (code))

/* How one call is made. */
struct sk_ctd_ask {
    enum sk_ctd_method method;
    struct sk_duration limit;        /* 0 = SK_CTD_LIMIT */
    unsigned forgive;                /* SK_FORGIVE bits: answered as success; *out_err tells */
    const char *lease;               /* what the call makes is put under it; NULL = none */
    bool can_cancel;                 /* whether giving up half-way does no harm in containerd */
    struct sk_arena *arena;          /* for the response; NULL if none is wanted */
    ProtobufCMessage **out_response; /* NULL if none is wanted; untouched on failure and when forgiven */
    struct sk_err *out_err;          /* how the call ended, written before done fires; may be NULL */
};

/* One unary call. The request is packed before this returns. Errors carry
 * the method's name and containerd's sentence. */
void sk_ctd_call(struct sk_ctd_client *client, const struct sk_ctd_ask *ask, const ProtobufCMessage *request,
                 struct sk_done *done);

/* Reads a whole stream: `each` is called for every message (its arena lasts
 * for that call); an error from it ends the stream. Can be cancelled. */
struct sk_ctd_gather {
    enum sk_code (*each)(void *arg, const ProtobufCMessage *message, struct sk_err *err);
    void *arg;
    unsigned forgive;       /* as in struct sk_ctd_ask */
    struct sk_err *out_err; /* as in struct sk_ctd_ask */
};
void sk_ctd_gather(struct sk_ctd_client *client, enum sk_ctd_method method, const ProtobufCMessage *request,
                   const struct sk_ctd_gather *gather, struct sk_done *done);

/* The method's entry for sk_stream_open, for streams that do not end. */
const struct sk_method *sk_ctd_method(enum sk_ctd_method method);

#endif
