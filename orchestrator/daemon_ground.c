/* daemon_ground.c: what everything else stands on: directories, records of who did what, gRPC, the store. */
#include "daemon_impl.h"

#include "host.h"

#define STATE_MODE 0700
#define RUN_MODE   0711 /* others may pass, to what is theirs to read */

/* --- directories, locks, the name ------------------------------------------------ */

static enum sk_code take_places(struct sk_daemon *d, struct sk_err *err)
{
    const struct sk_config *c = d->config;
    SK_AUTO_FREE char *logs = sk_printf("%s/%s", c->state_dir, SK_LOG_FOLDER);
    enum sk_code code;

    if ((code = sk_place_make(c->state_dir, STATE_MODE, err)) != SK_OK ||
        (code = sk_place_make(c->run_dir, RUN_MODE, err)) != SK_OK ||
        (code = sk_place_lock(c->state_dir, &d->state_lock, err)) != SK_OK ||
        (code = sk_place_lock(c->run_dir, &d->run_lock, err)) != SK_OK ||
        (code = sk_place_make(logs, STATE_MODE, err)) != SK_OK ||
        (code = sk_place_login_salt(c->state_dir, d->login_salt, err)) != SK_OK)
        return code;
    sk_place_remove_address(c->run_dir); /* of one that was killed */
    return sk_place_node_id(c->state_dir, c->node_id, d->node_id, err);
}

void sk_daemon_places_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = take_places(d, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_places_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_close_fd(&d->run_lock);
    sk_close_fd(&d->state_lock);
    sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- what is written down of who did what --------------------------------------- */

void sk_daemon_audit_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_chronicle_open(d->loop, &d->log, d->config, &d->audit, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_audit_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->audit)
        sk_audit_close(sk_take(d->audit), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- what is told to who collects traces ---------------------------------------- */

void sk_daemon_trace_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_chronicle_trace(d->loop, &d->log, d->config, d->node_id, &d->tracer, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_trace_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->tracer)
        sk_tracer_close(sk_take(d->tracer), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- gRPC ---------------------------------------------------------------------------- */

void sk_daemon_bridge_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_bridge_new(d->loop, &d->bridge, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_bridge_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->bridge)
        sk_bridge_close(sk_take(d->bridge), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}

/* --- the store ------------------------------------------------------------------------ */

void sk_daemon_peers_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_peers_open(d->config, d->node_id, d->bridge, &d->log, &d->fleet, &err);

    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_peers_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    sk_fleet_close(sk_take(d->fleet));
    sk_daemon_answer(d, done, SK_OK, NULL);
}

void sk_daemon_store_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);
    SK_AUTO_FREE char *path = sk_printf("%s/sandkeep.db", d->config->state_dir);
    struct sk_err err;
    enum sk_code code = sk_store_open(d->loop, &d->log, path, &d->store, &err);

    if (code == SK_OK)
        sk_store_measure(d->store, d->metrics);
    sk_daemon_answer(d, done, code, &err);
}

void sk_daemon_store_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    if (d->store)
        sk_store_close(sk_take(d->store), done);
    else
        sk_daemon_answer(d, done, SK_OK, NULL);
}
