/* file_impl.h: what reading and writing a file have in common, for core/ alone.
 *
 * file.c waits for the sandbox, asks its guest (which may never answer, or go
 * away) and moves bytes piece by piece; file_read.c and file_write.c are the
 * step tables. */
#ifndef SK_CORE_FILE_IMPL_H
#define SK_CORE_FILE_IMPL_H

#include "core/file.h"
#include "core/sandbox_impl.h"
#include "loop/op.h"
#include "loop/work.h"

/* Of one piece of work: a big file must not keep the pool from the others. */
#define SK_FILE_PIECE ((size_t)1 << 20)

struct sk_file {
    struct sk_op op;
    struct sk_done whole;
    struct sk_done *done;       /* the caller's */
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_list link;        /* sandbox->files */
    const char *path;
    bool writes;   /* set before sk_file_start */
    int64_t bytes; /* moved, once it has succeeded */
    struct sk_instant began;
    int fd; /* opened by the guest, -1 = not open */

    struct sk_done *waiting; /* the step that waits for the sandbox to run, or NULL */
    bool busy;               /* counted in sandbox->files_busy */

    struct sk_done *asking; /* the step that waits for the guest, or NULL */
    struct sk_done asked;   /* what the guest's driver was given */
    struct sk_timer limit;
    bool late;

    struct sk_done *moving; /* the step that moves bytes, or NULL */
    struct sk_work work;
    struct sk_done piece;
    bool moved;   /* set by the last piece: there is no more */
    bool give_up; /* no piece after this one */

    void (*over)(struct sk_file *file); /* frees; the last thing that is called */
};

/* steps begin with sk_file_await. `file` is zeroed but for `writes` and `over`, which frees what
 * it lies in. */
void sk_file_start(struct sk_file *file, struct sk_sandbox *sandbox, const char *path,
                   const struct sk_step *steps, struct sk_done *done);

static inline struct sk_file *sk_file_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_file, op);
}

/* A step: until the sandbox runs. */
void sk_file_await(struct sk_op *op, struct sk_done *done);
/* For a step that asks the guest: gives the done for the driver, or NULL when there is no guest, and the step
 * is answered. */
struct sk_done *sk_file_ask(struct sk_file *file, struct sk_done *done);
struct sk_file_ask sk_file_ask_of(const struct sk_file *file);
/* For a step that moves bytes: runs `run` on the pool until it sets file->moved or fails. */
void sk_file_move(struct sk_file *file, void (*run)(struct sk_work *work), struct sk_done *done);

/* The state or the guest's readiness has changed: those that wait look again. */
void sk_files_poke(struct sk_sandbox *sandbox);
/* The guest was closed: what it was asked it will not answer. */
void sk_files_gone(struct sk_sandbox *sandbox);
/* The daemon stops, and the guest was closed. */
void sk_files_stop(struct sk_sandbox *sandbox);

#endif
