#include "bench/file.h"

#include "bench/exec.h"
#include "bench/flow.h"
#include "bench/sandbox.h"
#include "bench/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAR_BLOCK = 512 };

#define PATH "/tmp/bench"

static void must_be(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void file_write(struct caller *daemon, const char *id, const uint8_t *content, size_t len)
{
    Coreweave__Sandbox__V1__WriteFileRequest request = COREWEAVE__SANDBOX__V1__WRITE_FILE_REQUEST__INIT;
    ProtobufCMessage *answer;

    request.sandbox_id = (char *)id;
    request.path = (char *)PATH;
    request.content = (ProtobufCBinaryData){.data = (uint8_t *)content, .len = len};
    answer = caller_must(daemon, API "WriteFile", &request.base,
                         &coreweave__sandbox__v1__write_file_response__descriptor);
    protobuf_c_message_free_unpacked(answer, NULL);
}

void file_read(struct caller *daemon, const char *id, size_t len)
{
    Coreweave__Sandbox__V1__ReadFileRequest request = COREWEAVE__SANDBOX__V1__READ_FILE_REQUEST__INIT;
    Coreweave__Sandbox__V1__ReadFileResponse *answer;

    request.sandbox_id = (char *)id;
    request.path = (char *)PATH;
    answer = (Coreweave__Sandbox__V1__ReadFileResponse *)caller_must(
        daemon, API "ReadFile", &request.base, &coreweave__sandbox__v1__read_file_response__descriptor);
    must_be(answer->content.len == len, "a file came back with another length");
    protobuf_c_message_free_unpacked(&answer->base, NULL);
}

/* An archive of one file, padded, with the two empty blocks of its end. */
static uint8_t *archive(const uint8_t *content, size_t len, size_t *out_len)
{
    size_t padded = (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    uint8_t *data = calloc(1, padded + 3 * TAR_BLOCK);
    char *header = (char *)data;
    unsigned sum = 0;

    must_be(data != NULL, "no memory");
    snprintf(header, 100, "bench");
    snprintf(header + 100, 8, "%07o", 0644u);
    snprintf(header + 108, 8, "%07o", 0u);
    snprintf(header + 116, 8, "%07o", 0u);
    snprintf(header + 124, 12, "%011zo", len);
    snprintf(header + 136, 12, "%011o", 0u);
    memset(header + 148, ' ', 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += data[i];
    snprintf(header + 148, 8, "%06o", sum);
    memcpy(data + TAR_BLOCK, content, len);
    *out_len = padded + 3 * TAR_BLOCK;
    return data;
}

static void send_all(struct stream *stream, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len; at += FLOW_PIECE) {
        struct answer piece = exec_stdin_request(data + at, len - at < FLOW_PIECE ? len - at : FLOW_PIECE);
        grpc_slice slice = grpc_slice_from_copied_buffer((const char *)piece.data, piece.len);
        (void)stream_send(stream, slice);
        grpc_slice_unref(slice);
        answer_fini(&piece);
    }
}

void file_write_tar(struct caller *daemon, const char *id, const uint8_t *content, size_t len)
{
    static const char *const command[] = {"tar", "xf", "-", "-C", "/tmp", NULL};
    struct answer first = exec_stream_request(id, command);
    size_t total;
    uint8_t *data = archive(content, len, &total);
    struct stream *stream = stream_open(daemon, API "StreamExec", &first, false);
    int messages = 0;

    send_all(stream, data, total);
    stream_half_close(stream);
    while (stream_next(stream))
        messages++;
    must_be(stream_close(stream) == GRPC_STATUS_OK && messages == 2, "tar said more than its end");
    free(data);
    answer_fini(&first);
}

void file_read_tar(struct caller *daemon, const char *id, size_t len)
{
    static const char *const command[] = {"tar", "cf", "-", "-C", "/tmp", "bench", NULL};
    struct answer first = exec_stream_request(id, command);
    (void)flow_out(daemon, API "StreamExec", &first, len);
    answer_fini(&first);
}
