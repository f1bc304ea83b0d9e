#include "loop/timers.h"

#include <assert.h>
#include <stdint.h>

enum { FIRST_CAP = 16 };

void sk_timers_fini(struct sk_timers *timers)
{
    assert(timers->len == 0);
    free(timers->slots);
    *timers = (struct sk_timers){0};
}

static void place(struct sk_timers *timers, size_t at, struct sk_timer *timer)
{
    timers->slots[at] = timer;
    timer->slot = at + 1;
}

/* Moves `timer`, whose place is the hole at `at`, towards the root. */
static void sift_up(struct sk_timers *timers, size_t at, struct sk_timer *timer)
{
    while (at > 0 && timer->at.ns < timers->slots[(at - 1) / 2]->at.ns) {
        place(timers, at, timers->slots[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(timers, at, timer);
}

static void sift_down(struct sk_timers *timers, size_t at, struct sk_timer *timer)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < timers->len && timers->slots[child + 1]->at.ns < timers->slots[child]->at.ns)
            child++;
        if (child >= timers->len || timer->at.ns <= timers->slots[child]->at.ns)
            break;
        place(timers, at, timers->slots[child]);
        at = child;
    }
    place(timers, at, timer);
}

/* Fills the hole at `at` with `timer`, then restores the order around it. */
static void settle(struct sk_timers *timers, size_t at, struct sk_timer *timer)
{
    sift_up(timers, at, timer);
    sift_down(timers, timer->slot - 1, timer);
}

void sk_timers_put(struct sk_timers *timers, struct sk_timer *timer)
{
    if (timer->slot) {
        assert(timer->slot <= timers->len && timers->slots[timer->slot - 1] == timer);
        settle(timers, timer->slot - 1, timer);
        return;
    }
    if (timers->len == timers->cap) {
        timers->cap = timers->cap ? timers->cap * 2 : FIRST_CAP;
        timers->slots = sk_realloc(timers->slots, timers->cap * sizeof(struct sk_timer *));
    }
    timers->len++;
    sift_up(timers, timers->len - 1, timer);
}

void sk_timers_remove(struct sk_timers *timers, struct sk_timer *timer)
{
    if (!timer->slot)
        return;
    size_t at = timer->slot - 1;
    assert(at < timers->len && timers->slots[at] == timer);
    timer->slot = 0;
    timers->len--;
    struct sk_timer *last = timers->slots[timers->len];
    if (last != timer)
        settle(timers, at, last);
}

struct sk_instant sk_timers_next(const struct sk_timers *timers)
{
    return timers->len ? timers->slots[0]->at : (struct sk_instant){0};
}

size_t sk_timers_fire(struct sk_timers *timers, struct sk_instant now)
{
    size_t fired = 0, most = timers->len;
    while (fired < most && timers->len && timers->slots[0]->at.ns <= now.ns) {
        struct sk_timer *timer = timers->slots[0];
        sk_timers_remove(timers, timer);
        fired++;
        timer->fn(timer);
    }
    return fired;
}
