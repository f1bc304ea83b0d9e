/* change.c: the calls of the contract, and how what they want gets into
 * HAProxy: one batch after the other. */
#include "drivers/edge/driver.h"

#include <string.h>

#define LINE_MAX_BYTES 12000 /* of HAProxy's buffer of 16384 */

/* Somebody who waits for an answer. */
struct waiter {
    struct sk_list link;
    struct sk_done *done;
    bool is_remove;
    char *id;
};

static struct sk_haproxy *of(struct sk_edge *base)
{
    return sk_container_of(base, struct sk_haproxy, base);
}

/* --- who waits ----------------------------------------------------------------------------- */

static void wait_for(struct sk_haproxy *edge, const char *id, bool is_remove, struct sk_done *done)
{
    struct waiter *waiter = sk_alloc(sizeof(*waiter));
    waiter->id = sk_strdup(id);
    waiter->is_remove = is_remove;
    waiter->done = done;
    sk_list_append(&edge->waiters, &waiter->link);
}

static void answer(struct sk_haproxy *edge, struct waiter *waiter, const struct sk_err *err)
{
    sk_list_remove(&waiter->link);
    sk_done_later(edge->loop, waiter->done, err);
    free(waiter->id);
    free(waiter);
}

static void answer_settled(struct sk_haproxy *edge)
{
    sk_list_each(&edge->waiters, node)
    {
        struct waiter *waiter = sk_list_entry(node, struct waiter, link);
        if (sk_maps_is_settled(&edge->maps, waiter->id))
            answer(edge, waiter, NULL);
    }
}

static bool is_gone(const struct sk_haproxy *edge)
{
    return edge->state == SK_HAPROXY_DOWN || edge->state == SK_HAPROXY_STARTING;
}

/* A HAProxy that does not run holds nothing: what was to be removed is. */
void sk_haproxy_fail_waiters(struct sk_haproxy *edge, const struct sk_err *err)
{
    struct sk_err fault = *err;
    fault.code = SK_UNAVAILABLE;
    sk_list_each(&edge->waiters, node)
    {
        struct waiter *waiter = sk_list_entry(node, struct waiter, link);
        answer(edge, waiter, waiter->is_remove && is_gone(edge) ? NULL : &fault);
    }
    sk_haproxy_advance_close(edge);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void on_batch(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, asked);
    struct sk_err fault;
    edge->is_asking = false;
    if (edge->state != SK_HAPROXY_UP) {
        sk_haproxy_advance_close(edge);
        return;
    }
    if (!err && !sk_maps_answer_is_good(&edge->maps, (char *)edge->admin.answer.data)) {
        (void)sk_fail(&fault, SK_UNAVAILABLE, "HAProxy says \"%.100s\"", (char *)edge->admin.answer.data);
        err = &fault;
    }
    if (!err) {
        sk_maps_done(&edge->maps);
        sk_haproxy_pump(edge);
        return;
    }
    sk_log_err(edge->log, SK_WARN, "edge.change_failed", err);
    sk_haproxy_reread(edge);
    sk_haproxy_fail_waiters(edge, err);
}

void sk_haproxy_ask(struct sk_haproxy *edge, void (*fn)(struct sk_done *done, const struct sk_err *err))
{
    edge->is_asking = true;
    sk_done_init(&edge->asked, fn);
    sk_admin_ask(&edge->admin, &edge->line, &edge->asked);
}

void sk_haproxy_pump(struct sk_haproxy *edge)
{
    if (edge->state != SK_HAPROXY_UP || edge->is_asking)
        return;
    answer_settled(edge);
    if (sk_haproxy_give_certificate(edge))
        return;
    if (sk_maps_next(&edge->maps, LINE_MAX_BYTES, &edge->line)) {
        sk_haproxy_ask(edge, on_batch);
        return;
    }
    sk_haproxy_advance_close(edge);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static void want(struct sk_haproxy *edge, const char *id, const struct sk_plan *plan, bool is_remove,
                 struct sk_done *done)
{
    struct sk_err err;
    sk_maps_want(&edge->maps, id, plan);
    if (!is_gone(edge)) {
        wait_for(edge, id, is_remove, done);
        sk_haproxy_pump(edge);
        return;
    }
    (void)sk_fail(&err, SK_UNAVAILABLE, "the edge does not run; it is being started again");
    sk_done_later(edge->loop, done, is_remove ? NULL : &err);
}

static void op_set(struct sk_edge *base, const struct sk_edge_box *box, struct sk_done *done)
{
    struct sk_haproxy *edge = of(base);
    struct sk_arena arena = {0};
    struct sk_plan plan = {0};
    struct sk_err err;
    if (sk_plan_make(&arena, edge->has, box, &plan, &err) == SK_OK)
        want(edge, box->id, &plan, false, done);
    else
        sk_done_later(edge->loop, done, &err);
    sk_arena_fini(&arena);
}

static void op_remove(struct sk_edge *base, const char *id, struct sk_done *done)
{
    want(of(base), id, &(struct sk_plan){0}, true, done);
}

static void list_one(void *arg, const char *id)
{
    sk_litter_add(arg, "edge entry", id, false);
}

static void op_list_litter(struct sk_edge *base, struct sk_litter_list *out, struct sk_done *done)
{
    sk_maps_each(&of(base)->maps, list_one, out);
    sk_done_later(of(base)->loop, done, NULL);
}

static void op_remove_litter(struct sk_edge *base, const struct sk_litter *litter, struct sk_done *done)
{
    op_remove(base, litter->name, done);
}

static void op_listen(struct sk_edge *base, void (*on_denied)(void *arg, const struct sk_edge_denial *denial),
                      void *arg)
{
    of(base)->on_denied = on_denied;
    of(base)->on_denied_arg = arg;
}

const struct sk_edge_ops sk_haproxy_ops = {
    .listen = op_listen,
    .set = op_set,
    .remove = op_remove,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};
