/* edge.h: the contract of the edge, which stands between sandboxes and the
 * outside where addresses and ports are not enough: it brings callers to
 * sandboxes' services, and lets HTTPS out to names that were granted, and to
 * no others at the same addresses.
 *
 * What was set stays in force when the daemon is gone; what cannot be looked
 * at does not pass.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call. Calls can be repeated, and those for one id take effect in
 * the order in which they were made. Arguments are copied. */
#ifndef SK_DRIVERS_EDGE_H
#define SK_DRIVERS_EDGE_H

#include "drivers/litter.h"
#include "loop/done.h"
#include "net/policy.h"

/* A way in. Through one that has a limit a request is answered 504 when, for so long, nothing more of it was
 * sent and no answer began. The same limit holds for an answer that has begun: one in which nothing moves for
 * so long is cut, one that trickles lasts. WebSockets are not subject to it: they may rest for an hour. */
struct sk_edge_door {
    uint16_t node_port; /* a port of the node, plain; 0 = by `host` */
    const char *host;   /* HTTPS to that host name, ended here; lower case; else NULL */
    uint16_t port;      /* the sandbox's, TCP */
    uint16_t timeout_s; /* by `host`: how long nothing may move; 0 = an hour, as by ports */
};

struct sk_edge_box {
    const char *id;
    struct sk_ip ipv4, ipv6;
    bool has_ipv6;
    const struct sk_edge_door *doors; /* lead to ipv4 */
    size_t door_count;
    const struct sk_net_policy *policy; /* its rules with names */
};

/* An attempt that was cut. */
struct sk_edge_denial {
    struct sk_ip source, destination;
    uint16_t port;
    char name[254];  /* what the client asked for; "" = it did not say, or not readably */
    const char *why; /* "name", "no name", "hidden name" (ECH); static */
};

struct sk_edge;

struct sk_edge_ops {
    void (*listen)(struct sk_edge *edge, void (*on_denied)(void *arg, const struct sk_edge_denial *denial),
                   void *arg);
    /* All there is for that sandbox, instead of what was; in force before done. Doors or names that are
     * closed by it are closed for new connections; the packet filter cuts those that were made. Errors:
     * SK_UNAVAILABLE (the edge does not run; it is being started again, and set is repeated by the driver
     * when it does). */
    void (*set)(struct sk_edge *edge, const struct sk_edge_box *box, struct sk_done *done);
    void (*remove)(struct sk_edge *edge, const char *id, struct sk_done *done);
    /* Ids that have something set; after a restart of the daemon, before anything else. */
    void (*list_litter)(struct sk_edge *edge, struct sk_litter_list *out, struct sk_done *done);
    void (*remove_litter)(struct sk_edge *edge, const struct sk_litter *litter, struct sk_done *done);
};

struct sk_edge {
    const struct sk_edge_ops *ops;
};

#endif
