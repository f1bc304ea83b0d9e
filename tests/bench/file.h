/* file.h: one file of zeros into a sandbox and out of it, two ways. The
 * messages are made beforehand and nothing is copied after: the client is not
 * what is to be measured. What fails ends the program. */
#ifndef SK_BENCH_FILE_H
#define SK_BENCH_FILE_H

#include "bench/call.h"

struct file {
    struct caller *daemon;
    size_t len;
    grpc_slice write, read;        /* requests */
    struct answer tar_in, tar_out; /* requests */
    grpc_slice *pieces;            /* of the archive */
    size_t piece_count;
};

void file_init(struct file *file, struct caller *daemon, const char *id, size_t len);
void file_fini(struct file *file);
void file_write(struct file *file);
void file_read(struct file *file);
/* The same as `kubectl cp` does it: an archive into, and out of, a `tar` that is executed. */
void file_write_tar(struct file *file);
void file_read_tar(struct file *file);

#endif
