#include "store/journal_pipe.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

enum { COPY_MAX = 64 * 1024 };

static ssize_t read_some(int fd, void *data, size_t max)
{
    ssize_t got = read(fd, data, max);
    while (got < 0 && errno == EINTR)
        got = read(fd, data, max);
    return got;
}

/* Copies what comes next without taking it out; as sk_pipe_move. */
static ssize_t peek(int pipe_fd, void *data, size_t max)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -1;
    SK_AUTO_FD int out = ends[0];
    SK_AUTO_FD int in = ends[1];
    ssize_t got = tee(pipe_fd, in, max, SPLICE_F_NONBLOCK);
    return got > 0 ? read_some(out, data, max) : got;
}

/* The bytes leave the pipe only when they are in the file. */
static ssize_t copy(int pipe_fd, int file, uint64_t place, size_t max)
{
    SK_AUTO_FREE uint8_t *data = sk_alloc(COPY_MAX);
    ssize_t put, got = peek(pipe_fd, data, max < COPY_MAX ? max : COPY_MAX);
    if (got <= 0)
        return got;
    put = pwrite(file, data, (size_t)got, (off_t)place);
    return put > 0 ? read_some(pipe_fd, data, (size_t)put) : put;
}

ssize_t sk_pipe_move(int pipe_fd, int file, uint64_t place, size_t max)
{
    off_t at = (off_t)place;
    ssize_t moved;
    do
        moved = splice(pipe_fd, NULL, file, &at, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    while (moved < 0 && errno == EINTR);
    if (moved < 0 && errno == EINVAL)
        return copy(pipe_fd, file, place, max);
    return moved;
}

ssize_t sk_pipe_skip(int pipe_fd, size_t max)
{
    SK_AUTO_FREE uint8_t *data = sk_alloc(COPY_MAX);
    return read_some(pipe_fd, data, max < COPY_MAX ? max : COPY_MAX);
}

ssize_t sk_pipe_look(int pipe_fd)
{
    struct pollfd it = {.fd = pipe_fd, .events = POLLIN};
    int ready = poll(&it, 1, 0);
    if (ready > 0 && (it.revents & POLLIN))
        return 1;
    if (ready > 0 && (it.revents & POLLHUP))
        return 0;
    errno = EAGAIN;
    return -1;
}
