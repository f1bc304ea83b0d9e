/* fleet.h: the other nodes that clients reach by the same address, and how
 * they are asked. There is no control plane: who is asked by a client asks the
 * others, and a peer that says nothing fails the call, since a short list
 * would read as "gone".
 *
 * A question carries the peer key as its credential, SK_HOP_HEADER, which
 * keeps the peer from asking further, and the caller's tenant. Peers believe
 * the last two of admins alone.
 *
 * Threads: loop only. */
#ifndef SK_FLEET_FLEET_H
#define SK_FLEET_FLEET_H

#include "base/arena.h"
#include "base/log.h"
#include "rpc/bridge.h"

#include <protobuf-c/protobuf-c.h>

#define SK_HOP_HEADER        "x-sandkeep-hop"    /* the node that asks */
#define SK_HOP_TENANT_HEADER "x-sandkeep-tenant" /* whose view is wanted; absent = an admin's */

#define SK_FLEET_LIMIT SK_SEC(20) /* no question takes longer, whatever the caller's deadline */

struct sk_fleet;

/* Texts are borrowed for the call that takes them. */
struct sk_fleet_peer {
    const char *id;  /* of the node */
    const char *url; /* "http://host:port", "https://host" */
};

struct sk_fleet_options {
    const char *node_id; /* our own; a peer of that name is left out, so that nodes may share a list */
    const struct sk_fleet_peer *peers;
    size_t peer_count;
    const char *key;               /* "" = none is sent */
    const char *root_certificates; /* PEM; NULL = the system's */
};

/* Connects when something is first asked; of no peers nothing is. Errors: SK_INVALID_ARGUMENT for a key that
 * cannot be sent. */
SK_MUST_CHECK enum sk_code sk_fleet_open(struct sk_bridge *bridge, const struct sk_log *log,
                                         const struct sk_fleet_options *options, struct sk_fleet **out_fleet,
                                         struct sk_err *err);
/* Other peers from now on; what is being asked goes on with those before. Of the same node id. The same
 * errors: then all is as it was. */
SK_MUST_CHECK enum sk_code sk_fleet_configure(struct sk_fleet *fleet, const struct sk_fleet_options *options,
                                              struct sk_err *err);
/* Nothing may be under way. NULL is fine. */
void sk_fleet_close(struct sk_fleet *fleet);

/* NULL is a fleet of one. */
size_t sk_fleet_size(const struct sk_fleet *fleet);
/* The node among the peers that made an id ("<node>-…") or is named by it; NULL = none of them. Borrowed
 * until the return to the loop. */
const char *sk_fleet_maker(const struct sk_fleet *fleet, const char *id);

struct sk_fleet_question {
    const char *method;              /* "/package.Service/Method" */
    const ProtobufCMessage *request; /* packed before sk_fleet_ask returns */
    const ProtobufCMessageDescriptor *answer;
    const char *tenant; /* NULL = an admin asks */
    /* Nodes that are asked, if they are peers; NULL-terminated, NULL = all. */
    const char *const *only;
    struct sk_duration timeout; /* 0 = SK_FLEET_LIMIT */
};

/* In the arena of the question, in the order of the peers that were asked. */
struct sk_fleet_answers {
    ProtobufCMessage **items;
    size_t len;
};

/* *out is written before done fires. The texts of the question and the arena must live until then. Errors:
 * SK_NOT_FOUND as a peer says it; for all else SK_UNAVAILABLE + RUNNER_UNAVAILABLE, naming the peer. */
void sk_fleet_ask(struct sk_fleet *fleet, const struct sk_fleet_question *question, struct sk_arena *arena,
                  struct sk_fleet_answers *out, struct sk_done *done);

#endif
