#include "cli/pipe.h"

#include "base/strings.h"
#include "loop/pump.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PIECE_MAX ((size_t)100 * 1024 * 1024) /* a message's own limit */

static struct sk_pipe *pipe_of(struct sk_remote *remote)
{
    return sk_container_of(remote, struct sk_pipe, remote);
}

static void on_room(struct sk_remote *remote)
{
    pipe_of(remote)->room = true;
    sk_loop_stop(remote->client->loop);
}

static void note(struct sk_pipe *pipe, const uint8_t *data, size_t len)
{
    size_t room = sizeof(pipe->said) - 1 - pipe->said_len;
    size_t take = len < room ? len : room;

    memcpy(pipe->said + pipe->said_len, data, take);
    pipe->said_len += take;
}

static void on_output(struct sk_remote *remote, int fd, const uint8_t *data, size_t len)
{
    struct sk_pipe *pipe = pipe_of(remote);

    if (fd == STDERR_FILENO)
        note(pipe, data, len);
    if (fd == STDERR_FILENO || pipe->use == SK_PIPE_WRITE || !len) {
        sk_remote_want(remote);
        return;
    }
    sk_buf_clear(&pipe->piece);
    pipe->full = sk_buf_append(&pipe->piece, data, len) == SK_OK;
    sk_loop_stop(remote->client->loop);
}

static void on_over(struct sk_remote *remote)
{
    sk_loop_stop(remote->client->loop);
}

void sk_pipe_open(struct sk_pipe *pipe, struct sk_client *client, const char *sandbox_id,
                  const char *const *words, enum sk_pipe_use use)
{
    static const struct sk_remote_events events = {on_room, on_output, on_over};
    const struct sk_remote_command command = {
        .sandbox_id = sandbox_id, .words = (char *const *)words, .count = sk_strings_count(words)};

    *pipe = (struct sk_pipe){.use = use};
    sk_buf_init(&pipe->piece, PIECE_MAX);
    sk_remote_open(&pipe->remote, client, &command, &events);
    if (use == SK_PIPE_READ)
        sk_remote_end_input(&pipe->remote);
}

static bool write_piece(struct sk_pipe *pipe, const uint8_t *data, size_t len)
{
    while (!pipe->room && !pipe->remote.over && !pipe->remote.exited)
        sk_loop_run(pipe->remote.client->loop);
    if (!pipe->room || pipe->remote.over || pipe->remote.exited)
        return false;
    pipe->room = false;
    sk_remote_send(&pipe->remote, data, len);
    return true;
}

bool sk_pipe_write(struct sk_pipe *pipe, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len; at += SK_PUMP_CHUNK) {
        size_t piece = len - at < SK_PUMP_CHUNK ? len - at : SK_PUMP_CHUNK;
        if (!write_piece(pipe, data + at, piece))
            return false;
    }
    return true;
}

bool sk_pipe_read(struct sk_pipe *pipe, const uint8_t **out_data, size_t *out_len)
{
    struct sk_remote *remote = &pipe->remote;

    if (pipe->full && !remote->over)
        sk_remote_want(remote); /* the one before has been dealt with */
    pipe->full = false;
    while (!pipe->full && !remote->over)
        sk_loop_run(remote->client->loop);
    if (!pipe->full)
        return false;
    *out_data = pipe->piece.data;
    *out_len = pipe->piece.len;
    return true;
}

/* By its last words, or by its exit code. */
static enum sk_code tell(const struct sk_pipe *pipe, struct sk_fault *fault)
{
    int exit_code = pipe->remote.exit_code;
    size_t len = pipe->said_len;

    while (len && (pipe->said[len - 1] == '\n' || pipe->said[len - 1] == '\r'))
        len--;
    *fault = (struct sk_fault){0};
    if (!len)
        return sk_fail(&fault->err, SK_ABORTED, "the command in the sandbox ended with %d", exit_code);
    return sk_fail(&fault->err, SK_ABORTED, "in the sandbox: %.*s", (int)len, pipe->said);
}

enum sk_code sk_pipe_finish(struct sk_pipe *pipe, struct sk_fault *fault)
{
    struct sk_remote *remote = &pipe->remote;
    const uint8_t *data;
    size_t len;

    sk_remote_end_input(remote);
    while (sk_pipe_read(pipe, &data, &len))
        ; /* nobody wants the rest */
    if (remote->exited)
        return remote->exit_code ? tell(pipe, fault) : SK_OK;
    *fault = remote->fault;
    return fault->err.code;
}

void sk_pipe_close(struct sk_pipe *pipe)
{
    sk_remote_close(&pipe->remote);
    sk_buf_fini(&pipe->piece);
}
