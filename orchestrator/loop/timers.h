/* timers.h: the timers of one loop, the earliest first: a binary heap whose
 * members know their place, so that stopping is as cheap as starting. Pure:
 * what the time is and when to wake up is the loop's affair. */
#ifndef SK_LOOP_TIMERS_H
#define SK_LOOP_TIMERS_H

#include "loop/loop.h"

/* A zeroed struct holds no timers. */
struct sk_timers {
    struct sk_timer **slots;
    size_t len, cap;
};

/* Must hold no timer any more (asserted). */
void sk_timers_fini(struct sk_timers *timers);
/* Puts in the timer, or moves it if it is in already, according to timer->at. */
void sk_timers_put(struct sk_timers *timers, struct sk_timer *timer);
/* Harmless if it is not in. */
void sk_timers_remove(struct sk_timers *timers, struct sk_timer *timer);
/* When the earliest is due; unset = there is none. */
struct sk_instant sk_timers_next(const struct sk_timers *timers);
/* Takes out and fires what is due, each at most once even if it starts
 * itself again; returns how many fired. */
size_t sk_timers_fire(struct sk_timers *timers, struct sk_instant now);

#endif
