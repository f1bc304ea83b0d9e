#include "core/usage.h"

#include "core/sandbox_impl.h"

#include <string.h>

/* --- what came of it -------------------------------------------------------------------- */

static int64_t rate(int64_t cpu_ns, int64_t over_ns)
{
    if (cpu_ns <= 0 || over_ns <= 0)
        return 0;
    return (int64_t)((double)cpu_ns * 1000 / (double)over_ns);
}

/* Also after a restart of the daemon, when nothing was measured before. */
static int64_t since_start(const struct sk_sandbox *s, int64_t cpu_ns)
{
    const struct sk_wall started = s->record->started;

    return started.ns ? rate(cpu_ns, sk_loop_wall(s->node->loop).ns - started.ns) : 0;
}

static void take(struct sk_sandbox *s, const struct sk_runtime_use *found, struct sk_instant at)
{
    const struct sk_use *last = &s->use;
    struct sk_use use = {.is_measured = true,
                         .cpu_ns = found->cpu_ns,
                         .memory_bytes = found->memory_bytes,
                         .processes = found->processes,
                         .at = at};

    use.cpu_millis = last->is_measured ? rate(use.cpu_ns - last->cpu_ns, sk_instant_diff(at, last->at).ns)
                                       : since_start(s, use.cpu_ns);
    s->use = use;
}

static void take_all(struct sk_usage *u)
{
    for (size_t i = 0; i < u->count; i++) {
        struct sk_sandbox *s = sk_node_find_any(u->node, u->items[i].id);
        if (s && u->items[i].is_measured)
            take(s, &u->items[i], u->at);
    }
}

static void on_measured(struct sk_done *done, const struct sk_err *err)
{
    struct sk_usage *u = sk_container_of(done, struct sk_usage, measured);
    struct sk_done *run = sk_take(u->run);

    if (!err) {
        u->at = sk_loop_now(u->node->loop);
        take_all(u);
    }
    free(sk_take(u->items));
    u->count = 0;
    sk_done_fire(run, err);
    sk_node_unhold(u->node);
}

/* --- measuring ---------------------------------------------------------------------------- */

static bool has_cgroup(const struct sk_sandbox *s)
{
    return s->state == SK_STATE_RUNNING || s->state == SK_STATE_TERMINATING;
}

static void collect(struct sk_usage *u)
{
    size_t room = 0;

    sk_list_each(&u->node->live, link) room++;
    u->items = sk_alloc((room + 1) * sizeof(u->items[0]));
    u->count = 0;
    sk_list_each(&u->node->live, link)
    {
        const struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, live);
        struct sk_runtime_use *item = &u->items[u->count];
        if (has_cgroup(s) &&
            (size_t)snprintf(item->id, sizeof(item->id), "%s", s->record->id) < sizeof(item->id))
            u->count++;
    }
}

static void start(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    struct sk_usage *u = arg;

    (void)flight;
    collect(u);
    u->run = run;
    sk_node_hold(u->node);
    sk_done_init(&u->measured, on_measured);
    u->node->runtime->ops->measure(u->node->runtime, u->items, u->count, &u->measured);
}

void sk_usage_init(struct sk_usage *u, struct sk_node *node)
{
    u->node = node;
    sk_flights_init(&u->flights, node->loop);
}

void sk_usage_fini(struct sk_usage *u)
{
    sk_flights_fini(&u->flights);
}

static bool is_fresh(const struct sk_usage *u)
{
    return sk_instant_is_set(u->at) &&
           sk_instant_diff(sk_loop_now(u->node->loop), u->at).ns < SK_USAGE_FRESH.ns;
}

void sk_node_measure(struct sk_node *node, struct sk_waiter *waiter, struct sk_done *done)
{
    struct sk_usage *u = &node->usage;

    if (is_fresh(u))
        sk_done_later(node->loop, done, NULL);
    else
        sk_flights_join(&u->flights, "", waiter, start, u, done);
}

const struct sk_use *sk_sandbox_use(const struct sk_sandbox *s)
{
    return &s->use;
}
