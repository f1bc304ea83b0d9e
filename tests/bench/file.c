#include "bench/file.h"

#include "bench/archive.h"
#include "bench/exec.h"
#include "bench/flow.h"
#include "bench/sandbox.h"
#include "bench/stream.h"

#include <grpc/byte_buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/tmp/bench"

static void must_be(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* --- the messages ----------------------------------------------------------- */

static grpc_slice slice_of(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    return slice;
}

static grpc_slice write_request(const char *id, size_t len)
{
    Coreweave__Sandbox__V1__WriteFileRequest request = COREWEAVE__SANDBOX__V1__WRITE_FILE_REQUEST__INIT;
    uint8_t *content = calloc(1, len);

    must_be(content != NULL, "no memory");
    request.sandbox_id = (char *)id;
    request.path = (char *)PATH;
    request.content = (ProtobufCBinaryData){.data = content, .len = len};
    grpc_slice slice = slice_of(&request.base);
    free(content);
    return slice;
}

static grpc_slice read_request(const char *id)
{
    Coreweave__Sandbox__V1__ReadFileRequest request = COREWEAVE__SANDBOX__V1__READ_FILE_REQUEST__INIT;

    request.sandbox_id = (char *)id;
    request.path = (char *)PATH;
    return slice_of(&request.base);
}

static void make_pieces(struct file *file)
{
    size_t len;
    uint8_t *data = archive_new(file->len, &len);

    file->piece_count = (len + FLOW_PIECE - 1) / FLOW_PIECE;
    file->pieces = calloc(file->piece_count, sizeof(file->pieces[0]));
    must_be(file->pieces != NULL, "no memory");
    for (size_t i = 0; i < file->piece_count; i++) {
        size_t left = len - i * FLOW_PIECE;
        struct answer piece =
            exec_stdin_request(data + i * FLOW_PIECE, left < FLOW_PIECE ? left : FLOW_PIECE);
        file->pieces[i] = grpc_slice_from_copied_buffer((const char *)piece.data, piece.len);
        answer_fini(&piece);
    }
    free(data);
}

void file_init(struct file *file, struct caller *daemon, const char *id, size_t len)
{
    static const char *const in[] = {"tar", "xf", "-", "-C", "/tmp", NULL};
    static const char *const out[] = {"tar", "cf", "-", "-C", "/tmp", "bench", NULL};

    *file = (struct file){.daemon = daemon, .len = len};
    file->write = write_request(id, len);
    file->read = read_request(id);
    file->tar_in = exec_stream_request(id, in);
    file->tar_out = exec_stream_request(id, out);
    make_pieces(file);
}

void file_fini(struct file *file)
{
    grpc_slice_unref(file->write);
    grpc_slice_unref(file->read);
    answer_fini(&file->tar_in);
    answer_fini(&file->tar_out);
    for (size_t i = 0; i < file->piece_count; i++)
        grpc_slice_unref(file->pieces[i]);
    free(file->pieces);
}

/* --- the ways ----------------------------------------------------------------- */

static void exchange(struct file *file, const char *path, grpc_slice request, size_t least)
{
    grpc_byte_buffer *answer;
    grpc_status_code code = caller_exchange(file->daemon, path, request, &answer);

    must_be(code == GRPC_STATUS_OK, "a file's call failed");
    must_be(answer && grpc_byte_buffer_length(answer) >= least, "a file came back shorter");
    grpc_byte_buffer_destroy(answer);
}

void file_write(struct file *file)
{
    exchange(file, API "WriteFile", file->write, 0);
}

void file_read(struct file *file)
{
    exchange(file, API "ReadFile", file->read, file->len);
}

void file_write_tar(struct file *file)
{
    struct stream *stream = stream_open(file->daemon, API "StreamExec", &file->tar_in, false);
    int messages = 0;

    for (size_t i = 0; i < file->piece_count; i++)
        (void)stream_send(stream, file->pieces[i]);
    stream_half_close(stream);
    while (stream_next(stream))
        messages++;
    must_be(stream_close(stream) == GRPC_STATUS_OK && messages == 2, "tar said more than its end");
}

void file_read_tar(struct file *file)
{
    (void)flow_out(file->daemon, API "StreamExec", &file->tar_out, file->len);
}
