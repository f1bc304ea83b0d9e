/* archive.h: a tar archive of one file of zeros, named "bench". */
#ifndef SK_BENCH_ARCHIVE_H
#define SK_BENCH_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

/* Free with free(). */
uint8_t *archive_new(size_t file_len, size_t *out_len);

#endif
