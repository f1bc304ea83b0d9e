/* lanes.h: the same call again and again, several at a time, by one thread. */
#ifndef SK_BENCH_LANES_H
#define SK_BENCH_LANES_H

#include "bench/call.h"

enum { LANES_MAX = 256 };

/* Makes `total` calls, `width` at a time; calls a second. Each must say `messages` and OK. */
double lanes_run(const struct caller *caller, const char *path, const struct answer *request, int width,
                 int total, int messages);

#endif
