/* file.h: one file into a sandbox and out of it, two ways. What fails ends the program. */
#ifndef SK_BENCH_FILE_H
#define SK_BENCH_FILE_H

#include "bench/call.h"

void file_write(struct caller *daemon, const char *id, const uint8_t *content, size_t len);
void file_read(struct caller *daemon, const char *id, size_t len);
/* The same as `kubectl cp` does it: an archive into, and out of, a `tar` that is executed. */
void file_write_tar(struct caller *daemon, const char *id, const uint8_t *content, size_t len);
void file_read_tar(struct caller *daemon, const char *id, size_t len);

#endif
