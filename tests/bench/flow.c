#include "bench/flow.h"

#include "bench/samples.h"
#include "bench/stream.h"

#include <stdio.h>
#include <stdlib.h>

static double rate(size_t bytes, double began)
{
    return (double)bytes / 1048576 / (now_ms() - began) * 1e3;
}

static void end(struct stream *stream)
{
    grpc_status_code code;
    while (stream_next(stream))
        continue;
    code = stream_close(stream);
    if (code == GRPC_STATUS_OK)
        return;
    fprintf(stderr, "bench: a stream ended with status %d\n", (int)code);
    exit(1);
}

double flow_out(struct caller *caller, const char *path, const struct answer *first, size_t bytes)
{
    double began = now_ms();
    struct stream *stream = stream_open(caller, path, first, true);
    size_t len, total = 0;

    while ((len = stream_next(stream)))
        total += len;
    if (total < bytes) {
        fprintf(stderr, "bench: %zu bytes of %zu\n", total, bytes);
        exit(1);
    }
    end(stream);
    return rate(bytes, began);
}

double flow_in(struct caller *caller, const char *path, const struct answer *first,
               const struct answer *piece, size_t bytes)
{
    double began = now_ms();
    struct stream *stream = stream_open(caller, path, first, false);
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)piece->data, piece->len);

    (void)stream_next(stream); /* ready */
    for (size_t sent = 0; sent < bytes; sent += FLOW_PIECE)
        (void)stream_send(stream, slice);
    stream_half_close(stream);
    end(stream);
    grpc_slice_unref(slice);
    return rate(bytes, began);
}
