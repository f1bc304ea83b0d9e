/* clock.h: instants and durations as distinct types, so that a wall-clock
 * time is never compared with a monotonic one.
 *
 * Instants are nanoseconds of CLOCK_BOOTTIME (they go on while the machine
 * sleeps); wall times are nanoseconds since the Unix epoch. Inside the loop
 * take the time from sk_loop_now() and sk_loop_wall(), never from the system,
 * so that tests can run on a virtual clock. */
#ifndef SK_BASE_CLOCK_H
#define SK_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct sk_duration {
    int64_t ns;
};
struct sk_instant {
    int64_t ns; /* 0 = none */
};
struct sk_wall {
    int64_t ns; /* 0 = none */
};

#define SK_NS(n)   ((struct sk_duration){(n)})
#define SK_MSEC(n) ((struct sk_duration){(int64_t)(n)*1000000})
#define SK_SEC(n)  ((struct sk_duration){(int64_t)(n)*1000000000})

static inline struct sk_instant sk_instant_add(struct sk_instant at, struct sk_duration by)
{
    return (struct sk_instant){at.ns + by.ns};
}

/* later - earlier */
static inline struct sk_duration sk_instant_diff(struct sk_instant later, struct sk_instant earlier)
{
    return (struct sk_duration){later.ns - earlier.ns};
}

static inline bool sk_instant_is_set(struct sk_instant at)
{
    return at.ns != 0;
}

/* The earlier of two; an unset one counts as never. */
static inline struct sk_instant sk_instant_min(struct sk_instant a, struct sk_instant b)
{
    if (!sk_instant_is_set(a))
        return b;
    return sk_instant_is_set(b) && b.ns < a.ns ? b : a;
}

/* Twice as long, but at most `most`: the next pause of something that is tried again and again. */
static inline struct sk_duration sk_duration_double(struct sk_duration d, struct sk_duration most)
{
    return SK_NS(d.ns * 2 < most.ns ? d.ns * 2 : most.ns);
}

static inline int64_t sk_duration_ms(struct sk_duration d)
{
    return d.ns / 1000000;
}

/* The system's clocks, for loop/ and for programs without a loop. */
struct sk_instant sk_clock_boot(void);
struct sk_wall sk_clock_wall(void);

#endif
