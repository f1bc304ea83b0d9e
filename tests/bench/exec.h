/* exec.h: commands in a sandbox. What fails ends the program. */
#ifndef SK_BENCH_EXEC_H
#define SK_BENCH_EXEC_H

#include "bench/call.h"

/* A packed request; free with answer_fini. command ends with NULL. */
struct answer exec_unary_request(const char *id, const char *const *command);
struct answer exec_stream_request(const char *id, const char *const *command);
struct answer exec_stdin_request(const void *data, size_t len);

void exec_unary(struct caller *daemon, const char *id);
void exec_stream(struct caller *daemon, const char *id);
/* From the call to the first byte that `echo` says, in ms; the rest of the call is waited for. */
double exec_first_byte(struct caller *daemon, const char *id);

#endif
