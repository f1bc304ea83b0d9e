#include "core/sweeper.h"

#include "core/log_shelf.h"
#include "core/sandbox_impl.h"

#include <string.h>

#define ROUND_EVERY SK_SEC(30)
#define GRACE       SK_SEC(10)
#define PAUSE_FIRST SK_SEC(10)
#define PAUSE_MOST  SK_SEC(300)

/* --- where things are found ------------------------------------------------- */

struct source {
    void (*list)(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done);
    void (*remove)(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done);
    bool is_kept; /* while there is a record, even of a sandbox that has ended: its log */
};

static void list_of_runtime(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    node->runtime->ops->list_litter(node->runtime, out_list, done);
}

static void remove_by_runtime(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    node->runtime->ops->remove_litter(node->runtime, litter, done);
}

static void list_of_agent(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    node->agent->ops->list_litter(node->agent, out_list, done);
}

static void remove_by_agent(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    node->agent->ops->remove_litter(node->agent, litter, done);
}

static void list_of_images(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    node->image_driver->ops->list_litter(node->image_driver, out_list, done);
}

static void remove_by_images(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    node->image_driver->ops->remove_litter(node->image_driver, litter, done);
}

static void list_of_network(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    node->network->ops->list_litter(node->network, out_list, done);
}

static void remove_by_network(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    node->network->ops->remove_litter(node->network, litter, done);
}

static void list_of_edge(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done)
{
    if (node->edge)
        node->edge->ops->list_litter(node->edge, out_list, done);
    else
        sk_done_later(node->loop, done, NULL);
}

static void remove_by_edge(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    node->edge->ops->remove_litter(node->edge, litter, done);
}

static void remove_log(struct sk_node *node, const struct sk_litter *litter, struct sk_done *done)
{
    sk_log_shelf_remove(node, litter->name, done);
}

static const struct source sources[] = {
    {list_of_runtime, remove_by_runtime, false}, {list_of_agent, remove_by_agent, false},
    {list_of_images, remove_by_images, false},   {list_of_network, remove_by_network, false},
    {list_of_edge, remove_by_edge, false},       {sk_log_shelf_list, remove_log, true},
};

#define SOURCES sk_array_len(sources)

static bool is_owned(const struct sk_sweeper *w, const struct sk_litter *item)
{
    if (item->is_nobodys)
        return false;
    if (!sk_node_marks(w->node, item->name))
        return true; /* by somebody else */
    const struct sk_sandbox *s = sk_node_find_any(w->node, item->name);
    if (sources[w->source].is_kept)
        return s;
    return (s && !sk_gc_is_over(s)) || sk_gc_holds(&w->node->gc, item->name);
}

/* --- what was seen ---------------------------------------------------------------- */

struct trace {
    struct sk_list link;
    size_t source;
    struct sk_litter litter;
    bool listed;  /* in the round under way */
    bool counted; /* as an orphan */
    struct sk_duration pause;
    struct sk_instant not_before;
};

static struct trace *find_trace(const struct sk_sweeper *w, const struct sk_litter *item)
{
    sk_list_each(&w->traces, link)
    {
        struct trace *t = sk_list_entry(link, struct trace, link);
        if (t->source == w->source && strcmp(t->litter.kind, item->kind) == 0 &&
            strcmp(t->litter.name, item->name) == 0)
            return t;
    }
    return NULL;
}

static struct trace *note(struct sk_sweeper *w, const struct sk_litter *item)
{
    struct trace *t = find_trace(w, item);

    if (!t) {
        t = sk_alloc(sizeof(*t));
        *t = (struct trace){.source = w->source, .litter = *item, .pause = PAUSE_FIRST};
        t->not_before = sk_instant_add(sk_loop_now(w->node->loop), GRACE);
        sk_list_append(&w->traces, &t->link);
        sk_meters_pending(&w->node->meters, item->kind, 1);
    }
    t->listed = true;
    return t;
}

static void forget(struct sk_sweeper *w, struct trace *t)
{
    sk_meters_pending(&w->node->meters, t->litter.kind, -1);
    sk_list_remove(&t->link);
    free(t);
}

/* Gone by itself, or somebody's again. */
static void forget_unlisted(struct sk_sweeper *w)
{
    sk_list_each(&w->traces, link)
    {
        struct trace *t = sk_list_entry(link, struct trace, link);
        if (t->source == w->source && !t->listed)
            forget(w, t);
        else
            t->listed = false;
    }
}

/* --- a round ----------------------------------------------------------------------- */

static void on_timer(struct sk_timer *timer);
static void go_on(struct sk_sweeper *w);

static struct sk_instant next_round(const struct sk_sweeper *w)
{
    struct sk_instant now = sk_loop_now(w->node->loop), at = sk_instant_add(now, ROUND_EVERY);

    sk_list_each(&w->traces, link)
    {
        const struct trace *t = sk_list_entry(link, struct trace, link);
        if (t->not_before.ns < at.ns)
            at = t->not_before;
    }
    return at.ns > now.ns ? at : sk_instant_add(now, GRACE); /* the runtime is away */
}

static void end_round(struct sk_sweeper *w)
{
    struct sk_node *node = w->node;

    w->source = SOURCES;
    if (!node->stopping)
        sk_timer_start(node->loop, &w->timer, next_round(w), on_timer);
    sk_node_unhold(node);
}

static void on_listed(struct sk_done *done, const struct sk_err *err);

static void ask(struct sk_sweeper *w)
{
    free(sk_take(w->found.items));
    w->found = (struct sk_litter_list){0};
    w->at = 0;
    if (w->source == SOURCES || w->node->stopping) {
        end_round(w);
        return;
    }
    sk_done_init(&w->listed, on_listed);
    sources[w->source].list(w->node, &w->found, &w->listed);
}

static void on_removed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_sweeper *w = sk_container_of(done, struct sk_sweeper, removed);
    struct sk_node *node = w->node;
    const struct sk_litter *item = &w->found.items[w->at++];
    struct trace *t = find_trace(w, item);

    if (!err) {
        sk_gc_count(&node->gc, item->kind, item->name);
        forget(w, t);
    } else {
        sk_log_err(node->log, SK_WARN, "gc.resists", err, SK_STR("kind", item->kind),
                   SK_STR("id", item->name));
        t->not_before = sk_instant_add(sk_loop_now(node->loop), t->pause);
        t->pause = sk_duration_double(t->pause, PAUSE_MOST);
    }
    go_on(w);
}

/* Whether the item is to be taken away now. */
static bool is_due(struct sk_sweeper *w, const struct sk_litter *item)
{
    struct trace *t = is_owned(w, item) ? NULL : note(w, item);

    if (!t || t->not_before.ns > sk_loop_now(w->node->loop).ns)
        return false;
    if (!t->counted)
        sk_meters_orphan(&w->node->meters, item->kind);
    t->counted = true;
    return true;
}

/* What the runtime still holds is first of all the runtime's to take away; while it is away nobody knows. */
static void go_on(struct sk_sweeper *w)
{
    struct sk_node *node = w->node;

    while (w->at < w->found.len && !is_due(w, &w->found.items[w->at]))
        w->at++;
    if (w->at < w->found.len && !node->stopping && !node->away) {
        sk_done_init(&w->removed, on_removed);
        sources[w->source].remove(node, &w->found.items[w->at], &w->removed);
        return;
    }
    forget_unlisted(w);
    w->source++;
    ask(w);
}

static void on_listed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_sweeper *w = sk_container_of(done, struct sk_sweeper, listed);

    if (!err) {
        go_on(w);
        return;
    }
    if (!w->node->away && !w->node->stopping)
        sk_log_err(w->node->log, SK_WARN, "gc.list_failed", err);
    w->source++;
    ask(w);
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_sweeper *w = sk_container_of(timer, struct sk_sweeper, timer);

    w->source = 0;
    sk_node_hold(w->node);
    ask(w);
}

/* --- life ---------------------------------------------------------------------------- */

void sk_sweeper_init(struct sk_sweeper *w, struct sk_node *node)
{
    *w = (struct sk_sweeper){.node = node, .source = SOURCES};
    sk_list_init(&w->traces);
}

void sk_sweeper_fini(struct sk_sweeper *w)
{
    sk_list_each(&w->traces, link) forget(w, sk_list_entry(link, struct trace, link));
}

void sk_sweeper_start(struct sk_sweeper *w)
{
    sk_timer_start(w->node->loop, &w->timer, sk_loop_now(w->node->loop), on_timer);
}

void sk_sweeper_stop(struct sk_sweeper *w)
{
    sk_timer_stop(w->node->loop, &w->timer);
    if (w->source == SOURCES)
        return;
    sk_done_cancel(&w->listed);
    sk_done_cancel(&w->removed);
}
