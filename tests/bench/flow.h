/* flow.h: how fast bytes stream through one call, in MiB/s. */
#ifndef SK_BENCH_FLOW_H
#define SK_BENCH_FLOW_H

#include "bench/call.h"

enum { FLOW_PIECE = 64 * 1024 };

/* The answers' bytes, `bytes` at least. */
double flow_out(struct caller *caller, const char *path, const struct answer *first, size_t bytes);
/* `piece` again and again until its FLOW_PIECE bytes of payload make `bytes`, then what is answered to the
 * end. */
double flow_in(struct caller *caller, const char *path, const struct answer *first,
               const struct answer *piece, size_t bytes);

#endif
