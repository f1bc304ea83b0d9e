/* daemon_impl.h: the inside of the daemon, for its own files: daemon.c is its life, daemon_ground.c what
 * everything stands on, daemon_node.c the node and what it is made of, daemon_face.c what the outside sees.
 */
#ifndef SK_DAEMON_IMPL_H
#define SK_DAEMON_IMPL_H

#include "daemon.h"

#include "api/api.h"
#include "backend.h"
#include "base/journald.h"
#include "certificates.h"
#include "chronicle.h"
#include "drivers/cdi/cdi.h"
#include "fabric.h"
#include "leaving.h"
#include "listeners.h"
#include "loop/op.h"
#include "metrics/lag.h"
#include "metrics/process.h"
#include "notify.h"
#include "peers.h"
#include "place.h"
#include "reload.h"
#include "supply.h"
#include "vouch.h"
#include "web_front.h"

enum { SK_SIG_TERM, SK_SIG_INT, SK_SIG_HUP, SK_SIG_COUNT };

struct sk_daemon {
    const struct sk_config *config; /* of the start */
    const char *config_path;
    struct sk_log log;
    struct sk_journald journald; /* when that is the log's format */
    struct sk_loop *loop;
    struct sk_signal *signals[SK_SIG_COUNT];
    struct sk_op life;
    struct sk_done over;
    int signal; /* that ended it; 0 = it broke */
    int exit_code;
    bool is_serving;
    struct sk_leaving leaving; /* from the first signal on, once it serves */
    struct sk_watchdog watchdog;
    struct sk_metrics *metrics; /* from the first line to the last */
    struct sk_process_metrics process;
    struct sk_chronicle_meters chronicle;
    struct sk_lag lag;

    int state_lock, run_lock;
    char node_id[SK_NODE_MAX + 1];
    char login_salt[SK_SALT_SIZE];
    struct sk_audit *audit; /* NULL: none is wanted */
    struct sk_tracer *tracer;
    struct sk_bridge *bridge;
    struct sk_fleet *fleet;
    struct sk_store *store;
    struct sk_backend *backend;
    struct sk_cdi *cdi;
    struct sk_supply *supply;
    struct sk_fabric *fabric;
    struct sk_node *node;
    struct sk_web_front *web;
    struct sk_keys *keys;
    struct sk_vouch *vouch;
    struct sk_certificates *certificates;
    struct sk_reload_targets targets; /* of reloads */
    struct sk_reload *reload;
    struct sk_api *api;
    struct sk_listeners *listeners;
};

struct sk_daemon *sk_daemon_of(struct sk_op *op);
/* Ends a step that has done all it does already. */
void sk_daemon_answer(struct sk_daemon *daemon, struct sk_done *done, enum sk_code code,
                      const struct sk_err *err);

/* --- steps of its life: each starts one thing, its undo stops it ------------------- */
void sk_daemon_places_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_places_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_audit_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_audit_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_trace_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_trace_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_bridge_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_bridge_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_peers_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_peers_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_store_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_store_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_backend_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_backend_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_supply_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_supply_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_fabric_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_fabric_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_node_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_node_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_recover_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_recover_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_keys_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_keys_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_certificates_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_certificates_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_reload_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_reload_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_web_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_web_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_api_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_api_undo(struct sk_op *op, struct sk_done *done);
void sk_daemon_listeners_run(struct sk_op *op, struct sk_done *done);
void sk_daemon_listeners_undo(struct sk_op *op, struct sk_done *done);

#endif
