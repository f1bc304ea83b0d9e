/* execs.h: commands, one after the other, through the daemon and through containerd
 * on the same container. */
#ifndef SK_BENCH_EXECS_H
#define SK_BENCH_EXECS_H

#include <stddef.h>

/* n of each kind of the daemon's, a tenth of containerd's, which is found by SANDKEEP_CONTAINERD_SOCKET. */
void execs_measure(const char *image, int n);

#endif
