#include "loop/flight.h"

#include <assert.h>

void sk_flights_init(struct sk_flights *flights, struct sk_loop *loop)
{
    *flights = (struct sk_flights){.loop = loop};
    sk_map_init(&flights->map);
}

void sk_flights_fini(struct sk_flights *flights)
{
    assert(flights->map.len == 0);
    sk_map_fini(&flights->map);
}

static struct sk_flight *find(const struct sk_flights *flights, const char *key)
{
    struct sk_map_node *node = sk_map_find(&flights->map, key);
    return node ? sk_map_entry(node, struct sk_flight, node) : NULL;
}

/* Returns the key, which the map has only borrowed; heap, the caller's. */
static char *drop(struct sk_flight *flight)
{
    char *key = (char *)flight->node.key;

    sk_map_remove(&flight->flights->map, &flight->node);
    free(flight);
    return key;
}

/* Those who have waited stay reachable while some of them are told: what they are told is settled. */
static void settle(struct sk_list *waiters)
{
    sk_list_each(waiters, link) sk_container_of(link, struct sk_waiter, link)->done->cancel = NULL;
}

/* Each callback may join again, cancel the others, or free what its waiter lies in. */
static void tell(struct sk_list *waiters, const struct sk_err *err)
{
    struct sk_list *link;

    while ((link = sk_list_pop(waiters)))
        sk_done_fire(sk_container_of(link, struct sk_waiter, link)->done, err);
}

static void leave(struct sk_done *done)
{
    struct sk_waiter *waiter = done->callee;
    struct sk_flight *flight = waiter->flight;
    struct sk_err cancelled = {0};

    sk_list_remove(&waiter->link);
    (void)sk_fail(&cancelled, SK_CANCELLED, "cancelled");
    sk_done_later(flight->flights->loop, done, &cancelled);
    if (flight->is_leaving || !sk_list_is_empty(&flight->waiters))
        return;
    flight->is_leaving = true;
    sk_done_cancel(&flight->run);
}

static void on_run(struct sk_done *run, const struct sk_err *err);

static struct sk_flight *begin(struct sk_flights *flights, const char *key)
{
    struct sk_flight *flight = sk_alloc(sizeof(*flight));

    flight->flights = flights;
    sk_list_init(&flight->waiters);
    sk_list_init(&flight->late);
    sk_done_init(&flight->run, on_run);
    sk_map_add(&flights->map, &flight->node, sk_strdup(key));
    return flight;
}

static void wait_for(struct sk_flight *flight, struct sk_waiter *waiter)
{
    waiter->flight = flight;
    waiter->done->callee = waiter;
    waiter->done->cancel = leave;
    sk_list_append(flight->is_leaving ? &flight->late : &flight->waiters, &waiter->link);
}

/* The run that nobody wanted any more has ended; whoever came meanwhile gets one of their own. */
static void begin_anew(struct sk_flights *flights, const char *key, struct sk_list *late)
{
    struct sk_flight *flight = begin(flights, key);
    struct sk_waiter *first = sk_container_of(late->next, struct sk_waiter, link);
    struct sk_list *link;

    while ((link = sk_list_pop(late)))
        wait_for(flight, sk_container_of(link, struct sk_waiter, link));
    first->start(first->arg, flight, &flight->run);
}

static void on_run(struct sk_done *run, const struct sk_err *err)
{
    struct sk_flight *flight = sk_container_of(run, struct sk_flight, run);
    struct sk_flights *flights = flight->flights;
    SK_AUTO_FREE char *key = NULL;
    struct sk_err copy = err ? *err : (struct sk_err){0}; /* may lie in what the first one told frees */
    struct sk_list waiters, late;

    sk_list_init(&waiters);
    sk_list_init(&late);
    sk_list_move_all(&waiters, &flight->waiters);
    sk_list_move_all(&late, &flight->late);
    key = drop(flight);
    settle(&waiters);
    if (!sk_list_is_empty(&late))
        begin_anew(flights, key, &late);
    tell(&waiters, err ? &copy : NULL);
}

void sk_flights_join(struct sk_flights *flights, const char *key, struct sk_waiter *waiter,
                     void (*start)(void *arg, struct sk_flight *flight, struct sk_done *run), void *arg,
                     struct sk_done *done)
{
    struct sk_flight *flight = find(flights, key);
    bool is_first = !flight;

    if (is_first)
        flight = begin(flights, key);
    *waiter = (struct sk_waiter){.done = done, .start = start, .arg = arg};
    wait_for(flight, waiter);
    if (is_first)
        start(arg, flight, &flight->run);
}
