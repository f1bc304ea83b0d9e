/* file_read.c: the steps of reading a file. */
#include "core/file_impl.h"

#include <errno.h>
#include <sys/stat.h>

#define FIRST_CAP ((size_t)4096)

struct reading {
    struct sk_file file;
    struct sk_file_read *read; /* the caller's */
    uint8_t *data;             /* owned until it is handed over */
    size_t len, cap;
};

static struct reading *of(struct sk_file *file)
{
    return sk_container_of(file, struct reading, file);
}

static void open_file(struct sk_op *op, struct sk_done *done)
{
    struct sk_file *file = sk_file_of(op);
    struct sk_file_ask ask = sk_file_ask_of(file);
    struct sk_done *asked = sk_file_ask(file, done);
    struct sk_sandbox *s = file->sandbox;

    if (asked)
        s->node->agent->ops->open_read(s->guest, &ask, &file->fd, asked);
}

/* --- on a thread of the pool ------------------------------------------------ */

static enum sk_code measure(const struct reading *r, uint64_t *out_size, struct sk_err *err)
{
    struct stat st;

    if (fstat(r->file.fd, &st) != 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "look at \"%.128s\"", r->file.path);
    *out_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    return SK_OK;
}

static enum sk_code too_large(struct reading *r, uint64_t size, struct sk_err *err)
{
    r->read->size = size;
    (void)sk_fail(err, SK_RESOURCE_EXHAUSTED, "\"%.128s\" is too large to be read whole", r->file.path);
    return sk_err_reason(err, "FILE_TOO_LARGE");
}

/* Room for all of it and one byte more: so that its end is seen without growing. */
static enum sk_code prepare(struct reading *r, struct sk_err *err)
{
    uint64_t size = 0;
    enum sk_code code = measure(r, &size, err);

    if (code == SK_OK && size > r->read->most)
        code = too_large(r, size, err);
    if (code != SK_OK)
        return code;
    r->cap = (size_t)size + 1 > FIRST_CAP ? (size_t)size + 1 : FIRST_CAP;
    r->data = sk_alloc(r->cap);
    return SK_OK;
}

/* It has more than it had when it was opened. */
static void grow(struct reading *r)
{
    size_t most = r->read->most + 1 > FIRST_CAP ? r->read->most + 1 : FIRST_CAP;

    r->cap = r->cap * 2 < most ? r->cap * 2 : most;
    r->data = sk_realloc(r->data, r->cap);
}

/* One read; by position, since the offset is shared with the guest. */
static enum sk_code read_some(struct reading *r, size_t *left, struct sk_err *err)
{
    if (r->len == r->cap)
        grow(r);
    size_t room = r->cap - r->len < *left ? r->cap - r->len : *left;
    ssize_t n = pread(r->file.fd, r->data + r->len, room, (off_t)r->len);
    if (n < 0 && errno == EINTR)
        return SK_OK;
    if (n < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "read \"%.128s\"", r->file.path);
    r->file.moved = n == 0;
    r->len += (size_t)n;
    *left -= (size_t)n;
    if (r->len <= r->read->most)
        return SK_OK;
    uint64_t size = 0;
    enum sk_code code = measure(r, &size, err);
    return code == SK_OK ? too_large(r, size > r->len ? size : r->len, err) : code;
}

static void read_piece(struct sk_work *work)
{
    struct reading *r = of(sk_container_of(work, struct sk_file, work));
    size_t left = SK_FILE_PIECE;

    enum sk_code code = r->data ? SK_OK : prepare(r, &work->err);
    while (code == SK_OK && left > 0 && !r->file.moved)
        code = read_some(r, &left, &work->err);
    /* Here, since who is the last to let go of a removed file waits for its blocks to be freed. */
    if (code != SK_OK || r->file.moved)
        sk_close_fd(&r->file.fd);
}

/* --- the rest of the steps --------------------------------------------------- */

/* What waits for a sandbox must not hold what others need: only now. */
static void await_room(struct sk_op *op, struct sk_done *done)
{
    struct reading *r = of(sk_file_of(op));

    if (r->read->await_room)
        r->read->await_room(r->read, done);
    else
        sk_done_later(r->file.sandbox->node->loop, done, NULL);
}

static void move(struct sk_op *op, struct sk_done *done)
{
    sk_file_move(sk_file_of(op), read_piece, done);
}

static void hand_over(struct sk_op *op, struct sk_done *done)
{
    struct reading *r = of(sk_file_of(op));

    r->read->data = sk_take(r->data);
    r->read->len = r->len;
    r->file.bytes = (int64_t)r->len;
    sk_done_later(r->file.sandbox->node->loop, done, NULL);
}

/* Cancelled in the last moment. */
static void take_back(struct sk_op *op, struct sk_done *done)
{
    struct reading *r = of(sk_file_of(op));

    r->data = sk_take(r->read->data);
    r->read->len = 0;
    sk_done_later(r->file.sandbox->node->loop, done, NULL);
}

static const struct sk_step steps[] = {
    {"running", sk_file_await, NULL},  {"open", open_file, NULL},
    {"room", await_room, NULL},        {"read", move, NULL},
    {"content", hand_over, take_back}, {0},
};

static void over(struct sk_file *file)
{
    struct reading *r = of(file);

    free(r->data);
    free(r);
}

void sk_file_read(struct sk_sandbox *sandbox, struct sk_file_read *read, struct sk_done *done)
{
    struct reading *r = sk_alloc(sizeof(*r));

    r->read = read;
    r->file.over = over;
    read->data = NULL;
    read->len = 0;
    read->size = 0;
    sk_file_start(&r->file, sandbox, read->path, steps, done);
}
