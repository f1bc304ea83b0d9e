#include "core/stdio.h"

#include "loop/pump.h"

#include <errno.h>
#include <fcntl.h>

static enum sk_code make_pipe(int *out_read, int *out_write, struct sk_err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "make a pipe");
    (void)fcntl(ends[0], F_SETPIPE_SZ, SK_PUMP_CHUNK); /* so that one read can fill a chunk; helps, no more */
    *out_read = ends[0];
    *out_write = ends[1];
    return SK_OK;
}

static enum sk_code open_all(struct sk_stdio *io, bool has_stdin, struct sk_err *err)
{
    enum sk_code code = make_pipe(&io->out, &io->child_out, err);

    if (code == SK_OK)
        code = make_pipe(&io->err, &io->child_err, err);
    if (code == SK_OK && has_stdin)
        code = make_pipe(&io->child_in, &io->in, err);
    if (code == SK_OK)
        code = sk_fd_reopen_pipe(io->out, O_RDONLY, &io->keep_out, err);
    if (code == SK_OK)
        code = sk_fd_reopen_pipe(io->err, O_RDONLY, &io->keep_err, err);
    return code;
}

static enum sk_code open_one(struct sk_stdio *io, struct sk_err *err)
{
    enum sk_code code = make_pipe(&io->out, &io->child_out, err);

    if (code == SK_OK)
        code = sk_fd_reopen_pipe(io->out, O_RDONLY, &io->keep_out, err);
    if (code != SK_OK)
        return code;
    io->child_err = fcntl(io->child_out, F_DUPFD_CLOEXEC, 0);
    return io->child_err < 0 ? sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "copy a pipe's end") : SK_OK;
}

/* Nothing stays open after a failure, and whatever failed, descriptors were short. */
static enum sk_code answer(struct sk_stdio *io, enum sk_code code, const struct sk_err *why,
                           struct sk_err *err)
{
    if (code == SK_OK)
        return SK_OK;
    sk_stdio_close(io);
    return sk_fail(err, SK_RESOURCE_EXHAUSTED, "%s", why->text);
}

enum sk_code sk_stdio_open(struct sk_stdio *io, bool has_stdin, struct sk_err *err)
{
    struct sk_err why = {0};

    *io = SK_STDIO_CLOSED;
    return answer(io, open_all(io, has_stdin, &why), &why, err);
}

enum sk_code sk_stdio_open_merged(struct sk_stdio *io, struct sk_err *err)
{
    struct sk_err why = {0};

    *io = SK_STDIO_CLOSED;
    return answer(io, open_one(io, &why), &why, err);
}

void sk_stdio_close(struct sk_stdio *io)
{
    sk_close_fd(&io->child_in);
    sk_close_fd(&io->child_out);
    sk_close_fd(&io->child_err);
    sk_close_fd(&io->keep_out);
    sk_close_fd(&io->keep_err);
    sk_close_fd(&io->in);
    sk_close_fd(&io->out);
    sk_close_fd(&io->err);
}

void sk_stdio_give(struct sk_stdio *io, struct sk_process *process)
{
    process->stdin_take = sk_take_fd(&io->child_in);
    process->stdout_take = sk_take_fd(&io->child_out);
    process->stderr_take = sk_take_fd(&io->child_err);
    process->stdout_keep_take = sk_take_fd(&io->keep_out);
    process->stderr_keep_take = sk_take_fd(&io->keep_err);
}
