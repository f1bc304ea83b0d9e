#include "core/file_impl.h"

#include "core/activity.h"

/* A guest short of cpu may need seconds to open a file; one that needs longer is broken. */
#define GUEST_LIMIT SK_SEC(30)

/* Of one sandbox; its guest can hold some more. */
#define BUSY_MAX 64

static struct sk_loop *loop_of(const struct sk_file *file)
{
    return file->sandbox->node->loop;
}

static void not_running(const struct sk_file *file, struct sk_err *err)
{
    if (file->sandbox->node->stopping)
        sk_node_stopping_err(err);
    else
        sk_sandbox_not_running_err(err);
}

/* --- until the sandbox runs ------------------------------------------------ */

static void look(struct sk_file *file)
{
    struct sk_sandbox *s = file->sandbox;
    struct sk_err err = {0};

    if (s->node->stopping || s->state > SK_STATE_RUNNING)
        not_running(file, &err);
    else if (s->state != SK_STATE_RUNNING || !s->guest_ready || s->adoption || s->files_busy == BUSY_MAX)
        return;
    file->busy = err.code == SK_OK;
    s->files_busy += file->busy;
    sk_done_later(loop_of(file), sk_take(file->waiting), err.code == SK_OK ? NULL : &err);
}

static void cancel_waiting(struct sk_done *done)
{
    struct sk_file *file = done->callee;
    struct sk_err err = {0};

    file->waiting = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(loop_of(file), done, &err);
}

void sk_file_await(struct sk_op *op, struct sk_done *done)
{
    struct sk_file *file = sk_file_of(op);

    file->waiting = done;
    done->callee = file;
    done->cancel = cancel_waiting;
    look(file);
}

void sk_files_poke(struct sk_sandbox *s)
{
    sk_list_each(&s->files, link)
    {
        struct sk_file *file = sk_list_entry(link, struct sk_file, link);
        if (file->waiting)
            look(file);
    }
}

/* --- asking the guest ------------------------------------------------------ */

static void on_asked(struct sk_done *asked, const struct sk_err *err)
{
    struct sk_file *file = sk_container_of(asked, struct sk_file, asked);
    struct sk_done *done = sk_take(file->asking);
    struct sk_err late;

    sk_timer_stop(loop_of(file), &file->limit);
    done->cancel = NULL;
    if (err && file->late) {
        (void)sk_fail(&late, SK_UNAVAILABLE, "the sandbox did not answer in time");
        err = &late;
    }
    sk_done_fire(done, err);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_file *file = sk_container_of(timer, struct sk_file, limit);

    file->late = true;
    sk_done_cancel(&file->asked);
}

static void cancel_asking(struct sk_done *done)
{
    struct sk_file *file = done->callee;
    sk_done_cancel(&file->asked);
}

struct sk_done *sk_file_ask(struct sk_file *file, struct sk_done *done)
{
    struct sk_err err = {0};

    if (!file->sandbox->guest) {
        not_running(file, &err);
        sk_done_later(loop_of(file), done, &err);
        return NULL;
    }
    file->asking = done;
    done->callee = file;
    done->cancel = cancel_asking;
    sk_timer_start(loop_of(file), &file->limit, sk_instant_add(sk_loop_now(loop_of(file)), GUEST_LIMIT),
                   on_limit);
    sk_done_init(&file->asked, on_asked);
    return &file->asked;
}

struct sk_file_ask sk_file_ask_of(const struct sk_file *file)
{
    const struct sk_process_defaults *defaults = &file->sandbox->record->process;

    return (struct sk_file_ask){
        .path = file->path, .working_dir = defaults->working_dir, .user = defaults->user};
}

void sk_files_gone(struct sk_sandbox *s)
{
    sk_list_each(&s->files, link)
    {
        struct sk_file *file = sk_list_entry(link, struct sk_file, link);
        struct sk_err err = {0};
        if (!file->asking)
            continue;
        sk_timer_stop(loop_of(file), &file->limit);
        not_running(file, &err);
        sk_done_later(loop_of(file), sk_take(file->asking), &err);
    }
}

void sk_files_stop(struct sk_sandbox *s)
{
    struct sk_err err = {0};

    sk_node_stopping_err(&err);
    sk_list_each(&s->files, link) sk_op_cancel(&sk_list_entry(link, struct sk_file, link)->op, &err);
}

/* --- moving bytes ---------------------------------------------------------- */

static void on_piece(struct sk_done *piece, const struct sk_err *err)
{
    struct sk_file *file = sk_container_of(piece, struct sk_file, piece);
    struct sk_err cancelled;

    if (!err && !file->moved && !file->give_up) {
        sk_done_init(&file->piece, on_piece);
        sk_work_start(loop_of(file), &file->work, file->work.run, &file->piece);
        return;
    }
    if (!err && file->give_up) {
        (void)sk_fail(&cancelled, SK_CANCELLED, "cancelled");
        err = &cancelled;
    }
    struct sk_done *done = sk_take(file->moving);
    done->cancel = NULL;
    sk_done_fire(done, err);
}

static void cancel_moving(struct sk_done *done)
{
    struct sk_file *file = done->callee;
    file->give_up = true;
}

void sk_file_move(struct sk_file *file, void (*run)(struct sk_work *work), struct sk_done *done)
{
    file->moving = done;
    done->callee = file;
    done->cancel = cancel_moving;
    sk_done_init(&file->piece, on_piece);
    sk_work_start(loop_of(file), &file->work, run, &file->piece);
}

/* --- the whole ------------------------------------------------------------- */

static const char *reason_of(enum sk_code code)
{
    switch (code) {
    case SK_NOT_FOUND:
        return "FILE_NOT_FOUND";
    case SK_PERMISSION_DENIED:
        return "FILE_PERMISSION_DENIED";
    case SK_CANCELLED:
    case SK_DEADLINE_EXCEEDED:
    case SK_UNAVAILABLE:
        return NULL; /* not the file's fault */
    default:
        return "FILE_IO_FAILED";
    }
}

/* What the client reads: drivers tell what happened, not always to whom. */
static void phrase(const struct sk_file *file, const struct sk_err *err, struct sk_err *out)
{
    const struct sk_sandbox *s = file->sandbox;

    *out = *err;
    if (err->reason)
        return;
    if (err->code == SK_UNAVAILABLE && (s->state != SK_STATE_RUNNING || !s->guest_ready))
        not_running(file, out);
    else
        out->reason = reason_of(err->code);
}

static void measure(const struct sk_file *file, bool failed)
{
    const struct sk_node *node = file->sandbox->node;
    const struct sk_meters *m = &node->meters;
    enum sk_file_way way = file->writes ? SK_FILE_WRITE : SK_FILE_READ;

    if (failed) {
        sk_series_add(m->file_failures[way], 1);
        return;
    }
    sk_series_observe_since(m->file_seconds[way], file->began, sk_loop_now(node->loop));
    sk_series_add(m->file_bytes[way], (double)file->bytes);
}

static void on_whole(struct sk_done *whole, const struct sk_err *err)
{
    struct sk_file *file = sk_container_of(whole, struct sk_file, whole);
    struct sk_sandbox *s = file->sandbox;
    struct sk_node *node = s->node;
    struct sk_done *done = file->done;
    struct sk_err why;

    if (err)
        phrase(file, err, &why);
    measure(file, err != NULL);
    sk_list_remove(&file->link);
    s->files_busy -= file->busy;
    sk_files_poke(s);
    sk_activity_detach(s);
    sk_close_fd(&file->fd);
    done->cancel = NULL;
    file->over(file);
    sk_done_fire(done, err ? &why : NULL);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void cancel_whole(struct sk_done *done)
{
    struct sk_file *file = done->callee;
    sk_op_cancel(&file->op, NULL);
}

void sk_file_start(struct sk_file *file, struct sk_sandbox *sandbox, const char *path,
                   const struct sk_step *steps, struct sk_done *done)
{
    file->sandbox = sk_sandbox_ref(sandbox);
    file->path = path;
    file->fd = -1;
    file->began = sk_loop_now(sandbox->node->loop);
    file->done = done;
    done->callee = file;
    done->cancel = cancel_whole;
    sk_list_append(&sandbox->files, &file->link);
    sk_activity_attach(sandbox);
    sk_node_hold(sandbox->node);
    sk_done_init(&file->whole, on_whole);
    file->op.flow = "file";
    sk_op_start(&file->op, sandbox->node->loop, sk_sandbox_log(sandbox), steps, (struct sk_instant){0},
                &file->whole);
}
