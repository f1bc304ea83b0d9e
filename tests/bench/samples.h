/* samples.h: durations of one kind, and their row of the table. */
#ifndef SK_BENCH_SAMPLES_H
#define SK_BENCH_SAMPLES_H

#include <stddef.h>

enum { WARM_UP = 3 }; /* rounds that are dropped */

struct samples {
    double *ms;
    size_t len, cap;
};

void samples_fini(struct samples *samples);

/* CLOCK_MONOTONIC, in milliseconds. */
double now_ms(void);
void samples_add(struct samples *samples, double ms);
/* Prints "name <tab> n <tab> min <tab> median <tab> p99" and empties the samples. */
void samples_print(struct samples *samples, const char *name);

#endif
