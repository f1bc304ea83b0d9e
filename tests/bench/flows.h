/* flows.h: bytes streamed out of a sandbox and into one, beside a bare pipe. */
#ifndef SK_BENCH_FLOWS_H
#define SK_BENCH_FLOWS_H

#include <stddef.h>

void flows_measure(const char *image, size_t mib, int rounds);

#endif
