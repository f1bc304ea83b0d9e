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

struct sk_flight *sk_flights_find(const struct sk_flights *flights, const char *key)
{
    struct sk_map_node *node = sk_map_find(&flights->map, key);
    return node ? sk_map_entry(node, struct sk_flight, node) : NULL;
}

static void drop(struct sk_flight *flight)
{
    sk_map_remove(&flight->flights->map, &flight->node);
    free((char *)flight->node.key);
    free(flight);
}

/* Tells all who wait, none of whom can join this run again: it is in no map any more. */
static void tell(struct sk_list *waiters, const struct sk_err *err)
{
    struct sk_list *link;
    while ((link = sk_list_pop(waiters))) {
        struct sk_waiter *waiter = sk_container_of(link, struct sk_waiter, link);
        struct sk_done *done = waiter->done;
        done->cancel = NULL;
        sk_done_fire(done, err);
    }
}

static void join(struct sk_flights *flights, const char *key, struct sk_waiter *waiter);

static void on_run(struct sk_done *run, const struct sk_err *err)
{
    struct sk_flight *flight = sk_container_of(run, struct sk_flight, run);
    struct sk_flights *flights = flight->flights;
    struct sk_list waiters, late, *link;
    SK_AUTO_FREE char *key = sk_strdup(flight->node.key);

    sk_list_init(&waiters);
    sk_list_init(&late);
    while ((link = sk_list_pop(&flight->waiters)))
        sk_list_append(&waiters, link);
    while ((link = sk_list_pop(&flight->late)))
        sk_list_append(&late, link);
    drop(flight);
    while ((link = sk_list_pop(&late)))
        join(flights, key, sk_container_of(link, struct sk_waiter, link));
    tell(&waiters, err);
}

static void leave(struct sk_done *done)
{
    struct sk_waiter *waiter = done->callee;
    struct sk_flight *flight = waiter->flight;
    struct sk_err cancelled = {0};

    done->cancel = NULL;
    sk_list_remove(&waiter->link);
    (void)sk_fail(&cancelled, SK_CANCELLED, "cancelled");
    sk_done_later(flight->flights->loop, done, &cancelled);
    if (flight->is_leaving || !sk_list_is_empty(&flight->waiters))
        return;
    flight->is_leaving = true;
    sk_done_cancel(&flight->run);
}

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

static void join(struct sk_flights *flights, const char *key, struct sk_waiter *waiter)
{
    struct sk_flight *flight = sk_flights_find(flights, key);
    bool is_first = !flight;

    if (is_first)
        flight = begin(flights, key);
    waiter->flight = flight;
    waiter->done->callee = waiter;
    waiter->done->cancel = leave;
    sk_list_append(flight->is_leaving ? &flight->late : &flight->waiters, &waiter->link);
    if (is_first)
        waiter->start(waiter->arg, flight, &flight->run);
}

void sk_flights_join(struct sk_flights *flights, const char *key, struct sk_waiter *waiter,
                     void (*start)(void *arg, struct sk_flight *flight, struct sk_done *run), void *arg,
                     struct sk_done *done)
{
    *waiter = (struct sk_waiter){.done = done, .start = start, .arg = arg};
    join(flights, key, waiter);
}
