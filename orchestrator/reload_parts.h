/* reload_parts.h: which parts of the daemon take over new values without a
 * restart, and how: one table. A key is LIVE in schema.def when a part here
 * puts it in force. */
#ifndef SK_RELOAD_PARTS_H
#define SK_RELOAD_PARTS_H

#include "base/log.h"
#include "config/config.h"

/* What there is to be changed; owned by the daemon. */
struct sk_reload_targets {
    struct sk_log *log;
    struct sk_node *node;
    struct sk_keys *keys;
    struct sk_vouch *vouch;
    struct sk_api *api;
    struct sk_supply *supply;
    struct sk_fabric *fabric;
    struct sk_certificates *certificates;
    struct sk_fleet *fleet;
    struct sk_tracer *tracer;
    struct sk_web_front *web; /* NULL: there is none, or not yet */
    struct sk_audit *audit;   /* NULL: none is wanted */
};

#define SK_RELOAD_PARTS_MAX 16

/* What each part has prepared. */
struct sk_reload_ready {
    void *items[SK_RELOAD_PARTS_MAX];
};

void sk_reload_prepare(struct sk_reload_ready *ready, const struct sk_config *next, struct sk_faults *faults);
void sk_reload_apply(struct sk_reload_ready *ready_take, const struct sk_reload_targets *targets,
                     const struct sk_config *next);
void sk_reload_drop(struct sk_reload_ready *ready_take);

#endif
