#include "core/gc.h"

#include "core/create.h"
#include "core/log_shelf.h"
#include "core/session_impl.h"
#include "core/teardown.h"

#include <stdio.h>
#include <string.h>

#define LOOK_EVERY      SK_SEC(30)
#define LOOK_SOON       SK_SEC(5)
#define RETENTION_EVERY SK_SEC(60)
#define PAUSE_FIRST     SK_SEC(5)
#define PAUSE_MOST      SK_SEC(300)

/* Something held that should not be. */
struct leftover {
    struct sk_list link;
    struct sk_gc *gc;
    char id[64];
    bool listed;   /* by the look under way */
    unsigned seen; /* looks that have listed it */
    struct sk_duration pause;
    struct sk_instant not_before;
    bool busy, counted;
    struct sk_teardown teardown;
    struct sk_done done;
};

static void on_timer(struct sk_timer *timer)
{
    sk_gc_look(sk_container_of(timer, struct sk_gc, timer));
}

static void look_at(struct sk_gc *gc, struct sk_duration after)
{
    struct sk_instant at = sk_instant_add(sk_loop_now(gc->node->loop), after);

    if (!gc->node->stopping && (!gc->timer.slot || at.ns < gc->timer.at.ns))
        sk_timer_start(gc->node->loop, &gc->timer, at, on_timer);
}

/* --- taking away ----------------------------------------------------------- */

static void forget(struct leftover *l)
{
    sk_meters_pending(&l->gc->node->meters, "container", -1);
    sk_list_remove(&l->link);
    free(l);
}

static void on_torn_down(struct sk_done *done, const struct sk_err *err)
{
    struct leftover *l = sk_container_of(done, struct leftover, done);
    struct sk_gc *gc = l->gc;
    struct sk_node *node = gc->node;

    l->busy = false;
    if (!err) {
        sk_gc_count(gc, "container", l->id);
        forget(l);
    } else {
        sk_log_err(node->log, SK_WARN, "gc.resists", err, SK_STR("kind", "container"), SK_STR("id", l->id));
        l->not_before = sk_instant_add(sk_loop_now(node->loop), l->pause);
        look_at(gc, l->pause);
        l->pause = sk_duration_double(l->pause, PAUSE_MOST);
    }
    sk_node_unhold(node);
}

static void take_away(struct leftover *l)
{
    struct sk_node *node = l->gc->node;

    if (l->busy || sk_loop_now(node->loop).ns < l->not_before.ns)
        return;
    if (!l->counted)
        sk_meters_orphan(&node->meters, "container");
    l->busy = l->counted = true;
    sk_node_hold(node);
    sk_done_init(&l->done, on_torn_down);
    sk_teardown_start(&l->teardown, node, l->id, sk_teardown_forget_guest, &l->done);
}

static struct leftover *find(const struct sk_gc *gc, const char *id)
{
    sk_list_each(&gc->leftovers, link)
    {
        struct leftover *l = sk_list_entry(link, struct leftover, link);
        if (strcmp(l->id, id) == 0)
            return l;
    }
    return NULL;
}

static struct leftover *note(struct sk_gc *gc, const char *id)
{
    struct leftover *l = find(gc, id);

    if (!l) {
        l = sk_alloc(sizeof(*l));
        l->gc = gc;
        l->pause = PAUSE_FIRST;
        (void)snprintf(l->id, sizeof(l->id), "%s", id);
        sk_list_append(&gc->leftovers, &l->link);
        sk_meters_pending(&gc->node->meters, "container", 1);
    }
    l->listed = true;
    l->seen++;
    return l;
}

/* --- comparing ------------------------------------------------------------- */

bool sk_gc_is_over(const struct sk_sandbox *s)
{
    return sk_state_is_final(s->state) && !s->create && !s->removal && !s->adoption;
}

/* Its processes run on without what they stand on. */
static void look_below(const struct sk_gc *gc, struct sk_sandbox *s, const struct sk_runtime_holding *item)
{
    if (s->state != SK_STATE_RUNNING || !item->task_running || s->settled.ns >= gc->list_began.ns)
        return;
    if (!item->container)
        sk_sandbox_break(s, "the sandbox's container was removed by somebody else");
    else if (!item->rootfs)
        sk_sandbox_break(s, "the sandbox's root file system was removed by somebody else");
}

static void look_at_holding(struct sk_gc *gc, const struct sk_runtime_holding *item)
{
    struct sk_sandbox *s = sk_node_find_any(gc->node, item->id);

    if (s)
        look_below(gc, s, item);
    if (s ? !sk_gc_is_over(s) : !sk_node_marks(gc->node, item->id))
        return; /* it is needed, or not ours: others may keep things in our containerd namespace */
    struct leftover *l = note(gc, item->id);
    if (s || l->seen >= 2)
        take_away(l);
}

/* What it left behind has gone, and somebody else may have what it held. */
static void look_at_charge(const struct sk_gc *gc, struct sk_sandbox *s)
{
    if (s->charge.capacity && sk_gc_is_over(s) && !find(gc, s->record->id))
        sk_sandbox_uncharge(s);
}

/* The runtime's events may be late and belong to an earlier task of the same id; its list is the truth. */
static void look_at_sandbox(struct sk_gc *gc, struct sk_sandbox *s)
{
    bool alive = sk_sandbox_seen_alive(s);

    if (!alive && s->create && sk_create_runs_since(s, gc->list_began))
        sk_sandbox_break(s, "the sandbox's init process ended before it was ready");
    else if (!alive && s->state == SK_STATE_RUNNING && !s->adoption && s->settled.ns < gc->list_began.ns)
        sk_main_lost(s, "the sandbox's init process ended unexpectedly");
}

/* What this look has not listed is gone, or belongs to somebody again. */
static void drop_unlisted(struct sk_gc *gc)
{
    sk_list_each(&gc->leftovers, link)
    {
        struct leftover *l = sk_list_entry(link, struct leftover, link);
        if (!l->listed && !l->busy)
            forget(l);
        else
            l->listed = false;
    }
}

static void compare(struct sk_gc *gc)
{
    sk_node_see(gc->node, &gc->list);
    for (size_t i = 0; i < gc->list.len; i++)
        look_at_holding(gc, &gc->list.items[i]);
    sk_list_each(&gc->node->sandboxes, link)
        look_at_sandbox(gc, sk_list_entry(link, struct sk_sandbox, link));
    drop_unlisted(gc);
    sk_list_each(&gc->node->sandboxes, link) look_at_charge(gc, sk_list_entry(link, struct sk_sandbox, link));
}

static void on_listed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_gc *gc = sk_container_of(done, struct sk_gc, listed);
    struct sk_node *node = gc->node;
    bool again = gc->again;

    gc->listing = gc->again = false;
    if (err && !node->away)
        sk_log_err(node->log, SK_WARN, "gc.list_failed", err);
    if (!err)
        sk_series_observe_since(node->meters.reconcile_seconds, gc->list_began, sk_loop_now(node->loop));
    if (!err && !node->stopping)
        compare(gc);
    free(sk_take(gc->list.items));
    gc->list.len = 0;
    if (again && !node->stopping)
        sk_gc_look(gc);
    else
        look_at(gc, err ? LOOK_SOON : LOOK_EVERY);
    sk_node_unhold(node);
}

void sk_gc_look(struct sk_gc *gc)
{
    struct sk_node *node = gc->node;

    if (node->stopping || node->away)
        return; /* sk_gc_retry looks when the runtime is back */
    gc->again = gc->listing;
    if (gc->listing)
        return;
    gc->listing = true;
    gc->list_began = sk_loop_now(node->loop);
    sk_timer_stop(node->loop, &gc->timer);
    sk_node_hold(node);
    sk_done_init(&gc->listed, on_listed);
    node->runtime->ops->list(node->runtime, &gc->list, &gc->listed);
}

void sk_gc_retry(struct sk_gc *gc)
{
    sk_list_each(&gc->leftovers, link)
    {
        struct leftover *l = sk_list_entry(link, struct leftover, link);
        l->pause = PAUSE_FIRST;
        l->not_before = (struct sk_instant){0};
    }
    if (gc->started)
        sk_gc_look(gc);
}

void sk_gc_soon(struct sk_gc *gc)
{
    look_at(gc, LOOK_SOON);
}

/* --- records past their time ----------------------------------------------- */

static void on_retention(struct sk_timer *timer)
{
    struct sk_gc *gc = sk_container_of(timer, struct sk_gc, retention);
    struct sk_node *node = gc->node;
    int64_t before = sk_loop_wall(node->loop).ns - node->config.retention.ns;

    sk_list_each(&node->sandboxes, link)
    {
        struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, link);
        if (!sk_gc_is_over(s) || s->record->ended.ns > before)
            continue;
        if (!sk_saver_is_idle(&s->saver))
            continue; /* a put that comes after the delete would bring it back */
        if (s->log_file.users > 0 || s->log_file.opening)
            continue; /* its log is being read */
        sk_session_count_pruned(s);
        sk_store_delete(node->store, SK_KIND_SANDBOX, s->record->id, NULL);
        sk_log_shelf_drop(node, s->record->id);
        sk_node_withdraw(node, s);
    }
    sk_sessions_prune(node, (struct sk_wall){before});
    sk_timer_start(node->loop, timer, sk_instant_add(sk_loop_now(node->loop), RETENTION_EVERY), on_retention);
}

/* --- life ------------------------------------------------------------------ */

void sk_gc_init(struct sk_gc *gc, struct sk_node *node)
{
    gc->node = node;
    sk_sweeper_init(&gc->sweeper, node);
    sk_list_init(&gc->leftovers);
}

void sk_gc_fini(struct sk_gc *gc)
{
    sk_sweeper_fini(&gc->sweeper);
    sk_list_each(&gc->leftovers, link) forget(sk_list_entry(link, struct leftover, link));
}

void sk_gc_start(struct sk_gc *gc)
{
    struct sk_loop *loop = gc->node->loop;

    gc->started = true;
    sk_timer_start(loop, &gc->retention, sk_instant_add(sk_loop_now(loop), RETENTION_EVERY), on_retention);
    sk_gc_look(gc);
    sk_sweeper_start(&gc->sweeper);
}

void sk_gc_stop(struct sk_gc *gc)
{
    sk_sweeper_stop(&gc->sweeper);
    sk_timer_stop(gc->node->loop, &gc->timer);
    sk_timer_stop(gc->node->loop, &gc->retention);
    if (gc->listing)
        sk_done_cancel(&gc->listed);
    sk_list_each(&gc->leftovers, link)
    {
        struct leftover *l = sk_list_entry(link, struct leftover, link);
        if (l->busy)
            sk_teardown_cancel(&l->teardown);
    }
}

bool sk_gc_holds(const struct sk_gc *gc, const char *id)
{
    return find(gc, id);
}

void sk_gc_count(struct sk_gc *gc, const char *kind, const char *id)
{
    gc->removed++;
    sk_meters_reaped(&gc->node->meters, kind);
    sk_log(gc->node->log, SK_INFO, "gc.removed", SK_STR("kind", kind), SK_STR("id", id));
}

size_t sk_gc_pending(const struct sk_gc *gc)
{
    size_t count = 0;

    sk_list_each(&gc->leftovers, link) count++;
    return count;
}
