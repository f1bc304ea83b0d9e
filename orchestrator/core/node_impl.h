/* node_impl.h: the inside of struct sk_node, for core/ alone. */
#ifndef SK_CORE_NODE_IMPL_H
#define SK_CORE_NODE_IMPL_H

#include "core/disks.h"
#include "core/gc.h"
#include "core/gpus.h"
#include "core/health.h"
#include "core/meters.h"
#include "core/node.h"
#include "core/ports.h"
#include "core/quota.h"
#include "core/usage.h"

/* Records in the store. */
#define SK_KIND_SANDBOX "sandbox"
#define SK_KIND_SESSION "session"
#define SK_KIND_DRAIN   "drain"

/* See drain.h. */
struct sk_drain {
    bool is_on;
    bool stops;              /* sandboxes, too */
    bool is_late;            /* the deadline has passed */
    struct sk_wall began;    /* 0 = it is not on */
    struct sk_instant until; /* the same */
    struct sk_timer timer;
    struct sk_task look;
    struct sk_list waits; /* for its end */
};

struct sk_node {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_node_config config;
    struct sk_meters meters;
    struct sk_timeline timeline, denials;
    struct sk_runtime *runtime;
    struct sk_image_driver *image_driver;
    struct sk_images *images;
    struct sk_agent *agent;
    struct sk_network *network;
    struct sk_names *names; /* NULL: there are none */
    struct sk_edge *edge;   /* the same */
    struct sk_store *store;

    struct sk_map by_id;
    struct sk_map by_request; /* by sk_node_request_key */
    struct sk_list sandboxes; /* in the order (created, id) */
    struct sk_list live; /* of them, whose end nobody has seen: what most lists ask for, among many ended */
    struct sk_list sessions; /* in the order (created, id) */
    struct sk_list unclosed; /* of them, in the same way */
    struct sk_map session_by_id;
    struct sk_map session_by_request;
    struct sk_tenants tenants; /* what they hold */
    size_t open_sessions;      /* that are not closed */
    struct sk_map addresses;   /* struct sk_network_address: of sandboxes that have a place */
    struct sk_ports ports;     /* for their services */
    struct sk_gpus gpus;
    struct sk_capacity capacity; /* what sandboxes share */
    uint64_t network_restored;   /* how often the rules were */
    struct sk_list unsaved;      /* struct sk_saver: the last put failed */
    struct sk_list answers;      /* creates and deletes that are held back */
    struct sk_wall last_created; /* creation times never repeat, so that paging has a total order */
    unsigned next_cpu;           /* where the next cpuset begins */
    char boot_id[40];

    struct sk_timer sweep; /* saves that failed */
    uint64_t looks;        /* at the runtime's list */
    struct sk_gc gc;
    struct sk_recovery *recovery; /* NULL when none is under way */

    struct sk_health health;
    struct sk_usage usage;
    struct sk_disks disks;
    struct sk_wall began;
    bool away;              /* the runtime does not answer */
    unsigned outages;       /* how often it has gone */
    struct sk_list patient; /* struct sk_patience: wait for it */

    struct sk_list stays; /* struct sk_stay: calls under way */
    struct sk_drain drain;
    struct sk_shutdown *shutdown; /* NULL = it goes on */

    size_t busy; /* everything that must be over before a stop is */
    bool stopping;
    struct sk_done *stop_done;
    struct sk_task stop_task;
};

/* One thing more, or one less, that a stop has to wait for. */
void sk_node_hold(struct sk_node *node);
void sk_node_unhold(struct sk_node *node);

/* Puts a sandbox into the indexes (taking over one reference), and out. */
void sk_node_insert(struct sk_node *node, struct sk_sandbox *sandbox_take);
void sk_node_withdraw(struct sk_node *node, struct sk_sandbox *sandbox);

/* A request id is the tenant's own: "<tenant>/<id>". In the arena. */
const char *sk_node_request_key(struct sk_arena *arena, const char *tenant, const char *request_id);
/* Like sk_node_find, but also those whose first record is not stored yet. */
struct sk_sandbox *sk_node_find_any(struct sk_node *node, const char *id);
/* Whether an id was given out by this node. */
bool sk_node_marks(const struct sk_node *node, const char *id);
/* For the next record. */
struct sk_wall sk_node_next_created(struct sk_node *node);
/* What everything that comes too late is told. */
void sk_node_stopping_err(struct sk_err *err);

/* The runtime was listed: every sandbox learns whether its task runs. */
void sk_node_see(struct sk_node *node, const struct sk_runtime_list *list);

/* A moment that was written down, as an instant of this boot. */
struct sk_instant sk_node_instant(const struct sk_node *node, const char *boot_id, struct sk_instant at,
                                  struct sk_wall wall);
/* The other way: when that is, as the wall has it now. */
struct sk_wall sk_node_wall(const struct sk_node *node, struct sk_instant at);

#endif
