#include "core/health.h"

#include "core/node_impl.h"

#include <assert.h>
#include <string.h>

#define PROBE_EVERY SK_SEC(3)
#define PROBE_KIND  "probe"
#define PROBE_KEY   "probe"

static struct sk_node *node_of(struct sk_health *h)
{
    return h->node;
}

/* --- telling --------------------------------------------------------------------- */

/* A watcher may stop, itself or another one, while it is told. */
static void tell(struct sk_task *task)
{
    struct sk_health *h = sk_container_of(task, struct sk_health, tell);
    struct sk_list left;
    struct sk_list *link;

    sk_list_init(&left);
    sk_list_move_all(&left, &h->watchers);
    while ((link = sk_list_pop(&left))) {
        struct sk_health_watcher *watcher = sk_list_entry(link, struct sk_health_watcher, link);
        sk_list_append(&h->watchers, link);
        watcher->fn(watcher);
    }
}

/* --- the store ------------------------------------------------------------------- */

static void arm(struct sk_health *h);

static void on_put(struct sk_done *done, const struct sk_err *err)
{
    struct sk_health *h = sk_container_of(done, struct sk_health, put);

    h->putting = false;
    if (!err) {
        sk_store_delete(node_of(h)->store, PROBE_KIND, PROBE_KEY, NULL);
        sk_node_set_health(node_of(h), SK_HEALTH_STORE, false);
    }
    arm(h);
    sk_node_unhold(node_of(h));
}

static void probe(struct sk_timer *timer)
{
    struct sk_health *h = sk_container_of(timer, struct sk_health, probe);

    if (!(h->faults & SK_HEALTH_STORE))
        return; /* another record was written meanwhile */
    sk_node_hold(node_of(h));
    h->putting = true;
    sk_done_init(&h->put, on_put);
    sk_store_put(node_of(h)->store, PROBE_KIND, PROBE_KEY, "", 0, &h->put);
}

static void arm(struct sk_health *h)
{
    struct sk_loop *loop = node_of(h)->loop;

    if ((h->faults & SK_HEALTH_STORE) && !h->probe.slot && !h->putting && !node_of(h)->stopping)
        sk_timer_start(loop, &h->probe, sk_instant_add(sk_loop_now(loop), PROBE_EVERY), probe);
}

/* --- from outside ------------------------------------------------------------------ */

void sk_health_init(struct sk_health *h, struct sk_node *node)
{
    h->node = node;
    sk_list_init(&h->watchers);
}

void sk_health_stop(struct sk_health *h)
{
    sk_timer_stop(node_of(h)->loop, &h->probe);
}

void sk_health_fini(struct sk_health *h)
{
    sk_loop_undefer(&h->tell);
    sk_timer_stop(node_of(h)->loop, &h->probe);
    assert(h->watcher_count == 0); /* servers close before their node */
}

unsigned sk_node_health(const struct sk_node *node)
{
    return node->health.faults;
}

void sk_node_set_health(struct sk_node *node, enum sk_health_fault fault, bool is_there)
{
    struct sk_health *h = &node->health;
    unsigned faults = is_there ? h->faults | fault : h->faults & ~(unsigned)fault;

    if (faults == h->faults)
        return;
    h->faults = faults;
    sk_log(node->log, SK_INFO, "node.health", SK_STR("fault", sk_health_describe(faults)));
    arm(h);
    sk_loop_defer(node->loop, &h->tell, tell);
}

const char *sk_health_describe(unsigned faults)
{
    if (faults & SK_HEALTH_BACKEND)
        return "the sandbox runtime does not answer";
    if (faults & SK_HEALTH_STORE)
        return "the state folder cannot be written";
    if (faults & SK_HEALTH_NETWORK)
        return "the rules of the sandboxes' networks cannot be put in force";
    return faults & SK_HEALTH_DRAINING ? "the node is draining" : "";
}

static enum sk_code check_stranger(const struct sk_health *h, const char *peer, struct sk_err *err)
{
    size_t strangers = 0, same = 0;

    sk_list_each(&h->watchers, link)
    {
        const struct sk_health_watcher *other = sk_list_entry(link, struct sk_health_watcher, link);
        strangers += other->peer != NULL;
        same += other->peer && strcmp(other->peer, peer) == 0;
    }
    if (strangers >= SK_HEALTH_STRANGERS_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%zu others are watching without a key already",
                       strangers);
    if (same >= SK_HEALTH_PEER_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%zu are watching from this address without a key already",
                       same);
    return SK_OK;
}

enum sk_code sk_node_watch_health(struct sk_node *node, struct sk_health_watcher *watcher,
                                  void (*fn)(struct sk_health_watcher *watcher), struct sk_err *err)
{
    struct sk_health *h = &node->health;

    if (h->watcher_count == SK_HEALTH_WATCHERS_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%d others are watching already", SK_HEALTH_WATCHERS_MAX);
    if (watcher->peer && check_stranger(h, watcher->peer, err) != SK_OK)
        return err->code;
    h->watcher_count++;
    watcher->fn = fn;
    watcher->health = h;
    sk_list_append(&h->watchers, &watcher->link);
    return SK_OK;
}

void sk_health_watcher_stop(struct sk_health_watcher *watcher)
{
    if (watcher->health)
        watcher->health->watcher_count--;
    watcher->health = NULL;
    sk_list_remove(&watcher->link);
}
