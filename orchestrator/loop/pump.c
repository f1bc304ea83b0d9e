#include "loop/pump.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static enum sk_code make_nonblocking(int fd, struct sk_err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "set descriptor non-blocking");
    return SK_OK;
}

static bool is_later(int sys)
{
    return sys == EAGAIN || sys == EINTR;
}

/* --- reader -------------------------------------------------------------- */

static void reader_ended(struct sk_reader *reader, ssize_t got, int sys)
{
    reader->ended = true;
    reader->wanted = false;
    sk_watch_set(reader->watch, 0);
    if (got == 0) {
        reader->on_end(reader, NULL);
        return;
    }
    struct sk_err err;
    (void)!sk_fail_sys(&err, SK_INTERNAL, sys, "read");
    reader->on_end(reader, &err);
}

/* The watch falls silent here, on the first event nobody wants, and not after
 * each chunk: most readers want again at once. */
static void reader_ready(void *arg, unsigned events)
{
    struct sk_reader *reader = arg;
    (void)events;
    if (!reader->wanted) {
        sk_watch_set(reader->watch, 0);
        return;
    }
    SK_AUTO_FREE uint8_t *chunk =
        sk_realloc(NULL, SK_PUMP_CHUNK); /* as it is: zeroing costs as much as a copy */
    ssize_t got = read(reader->fd, chunk, SK_PUMP_CHUNK);
    if (got < 0 && is_later(errno))
        return;
    if (got <= 0) {
        reader_ended(reader, got, errno);
        return;
    }
    reader->wanted = false;
    chunk = sk_realloc(chunk, (size_t)got);
    reader->chunk = &chunk;
    reader->on_data(reader, chunk, (size_t)got); /* last: it may close and free the reader */
}

enum sk_code sk_reader_open(struct sk_reader *reader, struct sk_loop *loop, int fd_take,
                            void (*on_data)(struct sk_reader *, const uint8_t *, size_t),
                            void (*on_end)(struct sk_reader *, const struct sk_err *), struct sk_err *err)
{
    SK_AUTO_FD int fd = fd_take;
    *reader = (struct sk_reader){.on_data = on_data, .on_end = on_end, .loop = loop, .fd = -1};
    enum sk_code code = make_nonblocking(fd, err);
    if (code == SK_OK)
        code = sk_watch_open(loop, fd, reader_ready, reader, &reader->watch, err);
    if (code == SK_OK)
        reader->fd = sk_take_fd(&fd);
    return code;
}

void sk_reader_want(struct sk_reader *reader)
{
    if (reader->ended || reader->fd < 0)
        return;
    reader->wanted = true;
    sk_watch_set(reader->watch, SK_READABLE);
}

uint8_t *sk_reader_keep(struct sk_reader *reader)
{
    assert(*reader->chunk);
    return sk_take(*reader->chunk);
}

void sk_reader_close(struct sk_reader *reader)
{
    sk_watch_close(sk_take(reader->watch));
    sk_close_fd(&reader->fd);
    reader->wanted = false;
}

/* --- writer -------------------------------------------------------------- */

static void writer_finished(struct sk_writer *writer)
{
    int sys = writer->sys;
    sk_watch_set(writer->watch, 0);
    free(sk_take(writer->pending));
    writer->busy = false;
    if (sys == 0) {
        writer->on_room(writer, NULL);
        return;
    }
    struct sk_err err;
    enum sk_code code = sys == EPIPE || sys == ECONNRESET ? SK_UNAVAILABLE : SK_INTERNAL;
    (void)!sk_fail_sys(&err, code, sys, "write");
    writer->on_room(writer, &err);
}

static void writer_task(struct sk_task *task)
{
    writer_finished(sk_container_of(task, struct sk_writer, task));
}

/* Writes once; returns how much went. Notes the errno when there is no hope. */
static size_t write_some(struct sk_writer *writer, const uint8_t *data, size_t len)
{
    ssize_t put = write(writer->fd, data, len);
    if (put < 0 && !is_later(errno))
        writer->sys = errno;
    return put < 0 ? 0 : (size_t)put;
}

static void writer_ready(void *arg, unsigned events)
{
    struct sk_writer *writer = arg;
    (void)events;
    if (!writer->pending)
        return; /* it ended and waits for its task */
    writer->pending_at +=
        write_some(writer, writer->pending + writer->pending_at, writer->pending_len - writer->pending_at);
    if (writer->sys || writer->pending_at == writer->pending_len)
        writer_finished(writer);
}

enum sk_code sk_writer_open(struct sk_writer *writer, struct sk_loop *loop, int fd_take,
                            void (*on_room)(struct sk_writer *, const struct sk_err *), struct sk_err *err)
{
    SK_AUTO_FD int fd = fd_take;
    *writer = (struct sk_writer){.on_room = on_room, .loop = loop, .fd = -1};
    enum sk_code code = make_nonblocking(fd, err);
    if (code == SK_OK)
        code = sk_watch_open(loop, fd, writer_ready, writer, &writer->watch, err);
    if (code == SK_OK)
        writer->fd = sk_take_fd(&fd);
    return code;
}

void sk_writer_write(struct sk_writer *writer, const uint8_t *data, size_t len)
{
    assert(writer->fd >= 0 && !writer->busy);
    writer->busy = true;
    writer->sys = 0;
    size_t put = len ? write_some(writer, data, len) : 0;
    if (writer->sys || put == len) {
        sk_loop_defer(writer->loop, &writer->task, writer_task);
        return;
    }
    writer->pending = sk_memdup(data + put, len - put);
    writer->pending_len = len - put;
    writer->pending_at = 0;
    sk_watch_set(writer->watch, SK_WRITABLE);
}

void sk_writer_close(struct sk_writer *writer)
{
    sk_loop_undefer(&writer->task);
    sk_watch_close(sk_take(writer->watch));
    sk_close_fd(&writer->fd);
    free(sk_take(writer->pending));
    writer->busy = false;
}

/* --- descriptors --------------------------------------------------------- */

enum sk_code sk_fd_reopen_pipe(int fd, int flags, int *out_fd, struct sk_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return sk_fail_sys(err, SK_INVALID_ARGUMENT, errno, "look at descriptor %d", fd);
    if (!S_ISFIFO(st.st_mode))
        return sk_fail(err, SK_INVALID_ARGUMENT, "descriptor %d is not a pipe", fd);
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int opened = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened < 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "open pipe %d anew", fd);
    *out_fd = opened;
    return SK_OK;
}
