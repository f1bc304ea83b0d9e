/* stream.h: one bidirectional call, driven step by step; each step blocks.
 * What fails other than by a status ends the program. */
#ifndef SK_BENCH_STREAM_H
#define SK_BENCH_STREAM_H

#include "bench/call.h"

struct stream;

/* Begins a call with one message. The caller serves one stream or unary call at a time. */
struct stream *stream_open(struct caller *caller, const char *path, const struct answer *first,
                           bool half_close);
/* False: the call is over. The slice stays the caller's. */
bool stream_send(struct stream *stream, grpc_slice message);
void stream_half_close(struct stream *stream);
/* The length of the next message, 0 at the end. */
size_t stream_next(struct stream *stream);
/* The same with its bytes. False at the end. */
bool stream_take(struct stream *stream, struct answer *out_message);
/* Waits for the status and frees the stream. */
grpc_status_code stream_close(struct stream *stream);

#endif
