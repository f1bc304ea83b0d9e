/* many.h: how many commands a second, when 1, 8 and 64 run at a time. */
#ifndef SK_BENCH_MANY_H
#define SK_BENCH_MANY_H

#include <stddef.h>

void many_measure(const char *image, int total, int rounds);

#endif
