/* follow.h: how long a line takes from a sandbox's print to a follower of its log. */
#ifndef SK_BENCH_FOLLOW_H
#define SK_BENCH_FOLLOW_H

#include "bench/call.h"
#include "bench/samples.h"

/* Adds n latencies. image: one with python, which prints the clock that both ends share. */
void follow_lines(struct caller *daemon, const char *image, int n, struct samples *samples);

#endif
