/* flight.h: single flight: one run of something that many ask for at once.
 *
 * Who asks first starts the run; who asks meanwhile for the same key waits
 * with them, and all are answered alike. A waiter that is cancelled leaves
 * alone; when the last one has left the run is cancelled, and whoever asks
 * while it is still ending waits for that end and then starts a run anew.
 * Once a run has ended all who waited are told how, also those whom the
 * callback of another one cancels meanwhile.
 *
 * Threads: loop only. */
#ifndef SK_LOOP_FLIGHT_H
#define SK_LOOP_FLIGHT_H

#include "base/map.h"
#include "loop/done.h"

struct sk_flight;

struct sk_flights {
    struct sk_loop *loop; /* borrowed */
    struct sk_map map;    /* struct sk_flight by key */
};

/* One who waits. The caller's, zeroed; stays where it is until its done has fired. */
struct sk_waiter {
    struct sk_list link;
    struct sk_done *done;
    struct sk_flight *flight;
    /* Starts the run, which answers `run` once and may set its `cancel`; arg is this waiter's and is only
     * borrowed during the call: what the run needs longer it copies, since it may outlive who started it. */
    void (*start)(void *arg, struct sk_flight *flight, struct sk_done *run);
    void *arg;
};

struct sk_flight {
    struct sk_map_node node; /* key: a copy */
    struct sk_flights *flights;
    struct sk_list waiters;
    struct sk_list late; /* came after the last one had left */
    struct sk_done run;
    bool is_leaving; /* cancelled */
    void *user;      /* the run's, for those of its waiters who look at it meanwhile; NULL at first */
};

void sk_flights_init(struct sk_flights *flights, struct sk_loop *loop);
/* None may be under way (asserted). */
void sk_flights_fini(struct sk_flights *flights);

/* Joins the run of `key` (copied), or starts one. `done` can be cancelled. */
void sk_flights_join(struct sk_flights *flights, const char *key, struct sk_waiter *waiter,
                     void (*start)(void *arg, struct sk_flight *flight, struct sk_done *run), void *arg,
                     struct sk_done *done);

#endif
