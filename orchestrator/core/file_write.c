/* file_write.c: the steps of writing a file. */
#include "core/file_impl.h"

#include <errno.h>

struct writing {
    struct sk_file file;
    struct sk_file_write write; /* what it points to is the caller's */
    size_t at;
    uint64_t key; /* among the guest's open files */
};

static struct writing *of(struct sk_op *op)
{
    return sk_container_of(sk_file_of(op), struct writing, file);
}

static void open_file(struct sk_op *op, struct sk_done *done)
{
    struct writing *w = of(op);
    struct sk_sandbox *s = w->file.sandbox;
    struct sk_file_ask ask = sk_file_ask_of(&w->file);
    struct sk_done *asked = sk_file_ask(&w->file, done);

    w->key = s->next_key++;
    if (asked)
        s->node->agent->ops->open_write(s->guest, w->key, &ask, &w->file.fd, asked);
}

/* Also after an open that failed: it may have worked. What the guest does not know it ignores. */
static void abandon(struct sk_op *op, struct sk_done *done)
{
    struct writing *w = of(op);
    struct sk_sandbox *s = w->file.sandbox;

    sk_close_fd(&w->file.fd);
    if (s->guest)
        s->node->agent->ops->abandon(s->guest, w->key);
    sk_done_later(s->node->loop, done, NULL);
}

/* Of the file's own making, or for want of room: never the path's fault. */
static enum sk_code code_of(int sys)
{
    return sys == ENOSPC || sys == EDQUOT || sys == EFBIG || sys == ENOMEM ? SK_RESOURCE_EXHAUSTED
                                                                           : SK_INTERNAL;
}

/* On a thread of the pool. By position, since the offset is shared with the guest. */
static void write_piece(struct sk_work *work)
{
    struct sk_file *file = sk_container_of(work, struct sk_file, work);
    struct writing *w = sk_container_of(file, struct writing, file);
    size_t end = w->write.len - w->at < SK_FILE_PIECE ? w->write.len : w->at + SK_FILE_PIECE;

    while (w->at < end) {
        ssize_t n = pwrite(file->fd, w->write.data + w->at, end - w->at, (off_t)w->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int sys = n < 0 ? errno : EIO;
            (void)sk_fail_sys(&work->err, code_of(sys), sys, "write \"%.128s\"", file->path);
            return;
        }
        w->at += (size_t)n;
    }
    file->moved = w->at == w->write.len;
    if (file->moved)
        sk_close_fd(&file->fd); /* here, since closing may wait for a disk too */
}

static void move(struct sk_op *op, struct sk_done *done)
{
    sk_file_move(sk_file_of(op), write_piece, done);
}

static void commit(struct sk_op *op, struct sk_done *done)
{
    struct writing *w = of(op);
    struct sk_sandbox *s = w->file.sandbox;
    struct sk_done *asked = sk_file_ask(&w->file, done);

    if (asked)
        s->node->agent->ops->commit(s->guest, w->key, asked);
}

static const struct sk_step steps[] = {
    {"running", sk_file_await, NULL},
    {"open", open_file, abandon},
    {"write", move, NULL},
    {"commit", commit, NULL},
    {0},
};

static void over(struct sk_file *file)
{
    free(sk_container_of(file, struct writing, file));
}

void sk_file_write(struct sk_sandbox *sandbox, const struct sk_file_write *write, struct sk_done *done)
{
    struct writing *w = sk_alloc(sizeof(*w));

    w->write = *write;
    w->file.over = over;
    w->file.writes = true;
    w->file.bytes = (int64_t)write->len;
    sk_file_start(&w->file, sandbox, write->path, steps, done);
}
