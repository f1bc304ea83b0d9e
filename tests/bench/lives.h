/* lives.h: sandboxes made and ended, one after the other. */
#ifndef SK_BENCH_LIVES_H
#define SK_BENCH_LIVES_H

#include <stddef.h>

void lives_measure(const char *image, int n);

#endif
