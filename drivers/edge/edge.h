/* edge.h: the edge made of one HAProxy with a generated configuration that
 * never changes while it runs: what sandboxes have is in its maps, which are
 * changed through its runtime socket.
 *
 * It runs on when the driver is closed, and the next driver takes it over if it
 * would start the same one; else it is replaced, and connections that are open
 * have a minute to end. When it dies it is started again, and everything is
 * set anew before anything passes.
 *
 * Names are those of the TLS server name extension. What is inside the
 * encrypted connection cannot be seen: a server that answers for one name in
 * the clear and for another inside (domain fronting) is trusted with both.
 *
 * HAProxy 2.6 loses what does not fit into its buffer (15 KiB) of a client that
 * says more than that before the server has said anything, and then closes its
 * half: no client of TLS does. */
#ifndef SK_EDGE_EDGE_H
#define SK_EDGE_EDGE_H

#include "base/log.h"
#include "drivers/edge.h"
#include "metrics/metrics.h"

/* Copied. */
struct sk_haproxy_options {
    const char *program; /* a name or a path of HAProxy 2.6 or newer, with Lua */
    const char *run_dir; /* its files are in <run_dir>/edge: the process id in pid */
    const char *user;    /* whom it runs as; NULL = as the driver does */
    const char *netns;   /* path of the network namespace that it runs in; NULL = the driver's */
    /* Ways in. */
    const char *listen;             /* address; "0.0.0.0", "::" = all */
    uint16_t first_port, last_port; /* plain; 0 = none */
    const char *domain;             /* HTTPS to names below it; NULL or "" = none */
    uint16_t https_port;            /* with a domain */
    const char *certificate;        /* with a domain: PEM with chain and key, root's alone to read */
    /* The gate: where the packet filter sends HTTPS to granted names, with the destination changed by dnat.
     * What was on its way to another port than 443 is refused. */
    uint16_t gate_port; /* 0 = none */
    struct sk_ip gate_ipv4, gate_ipv6;
    bool gate_has_ipv6;
    struct sk_metrics *metrics; /* borrowed, may be NULL */
    bool let_hidden;            /* names in the clear are enough when there is an encrypted one, too (ECH) */
};

struct sk_haproxy;

/* Blocks, for start-up. Errors: SK_NOT_FOUND (no such program or user), SK_FAILED_PRECONDITION (what HAProxy
 * itself says: a port is taken, a certificate is not one), else by cause. */
SK_MUST_CHECK enum sk_code sk_haproxy_open(struct sk_loop *loop, const struct sk_log *log,
                                           const struct sk_haproxy_options *options,
                                           struct sk_haproxy **out_edge, struct sk_err *err);
/* Frees. HAProxy runs on if any sandbox has anything set, else it ends. Calls under way are answered first.
 */
void sk_haproxy_close(struct sk_haproxy *edge, struct sk_done *done);
struct sk_edge *sk_haproxy_base(struct sk_haproxy *edge);
/* Reads the certificate again now; it is looked at every half minute anyway. */
void sk_haproxy_reload(struct sk_haproxy *edge);

#endif
