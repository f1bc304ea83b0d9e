/* containerd.h: containerd's own way to run a command in a container. */
#ifndef SK_BENCH_CONTAINERD_H
#define SK_BENCH_CONTAINERD_H

#include "bench/call.h"

/* Exec, Start, Wait and DeleteProcess: what one `true` costs there. */
void containerd_exec(struct caller *containerd, const char *id);

#endif
