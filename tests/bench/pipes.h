/* pipes.h: the yardstick for streams: a gRPC server, a program of its own,
 * that does nothing but move the bytes of a pipe. */
#ifndef SK_BENCH_PIPES_H
#define SK_BENCH_PIPES_H

#include <sys/types.h>

#define PIPES_OUT "/pipes/Out" /* the output of a command, in messages of one read each */
#define PIPES_IN  "/pipes/In"  /* says one message, writes all others into a command, half-close ends it */

/* Forks the server; *out_port is where it listens. Call it before grpc_init. */
pid_t pipes_start(const char *out_command, const char *in_command, int *out_port);
void pipes_stop(pid_t pid);

#endif
