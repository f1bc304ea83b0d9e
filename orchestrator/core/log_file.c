#include "core/log_file.h"

#include "core/log_shelf.h"
#include "core/sandbox_impl.h"

#include <assert.h>

struct waiter {
    struct sk_list link;
    struct sk_done *done;
};

/* One read of the disk, for all who want the same. */
struct shared_read {
    struct sk_list link;
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_done done;
    struct sk_log_piece *piece; /* a reference */
    struct sk_list readers;     /* struct sk_log_read */
};

void sk_log_file_init(struct sk_log_file *file)
{
    sk_list_init(&file->waiting);
    sk_list_init(&file->ears);
    sk_list_init(&file->reads);
}

/* --- open and close -------------------------------------------------------- */

static void on_opened(struct sk_done *opened, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_container_of(opened, struct sk_sandbox, log_file.opened);
    struct sk_log_file *file = &s->log_file;
    struct sk_list waiting, *link;

    file->opening = false;
    sk_list_init(&waiting);
    sk_list_move_all(&waiting, &file->waiting);
    while ((link = sk_list_pop(&waiting))) {
        struct waiter *waiter = sk_list_entry(link, struct waiter, link);
        struct sk_done *done = waiter->done;
        free(waiter);
        file->users += !err;
        sk_done_later(s->node->loop, done, err);
    }
    sk_sandbox_unhold(s);
}

void sk_log_file_open(struct sk_sandbox *s, struct sk_done *done)
{
    struct sk_log_file *file = &s->log_file;

    if (file->journal && !file->opening) {
        file->users++;
        sk_done_later(s->node->loop, done, NULL);
        return;
    }
    struct waiter *waiter = sk_alloc(sizeof(*waiter));
    waiter->done = done;
    sk_list_append(&file->waiting, &waiter->link);
    if (file->opening)
        return;
    SK_AUTO_FREE char *path = sk_log_shelf_path(s->node, s->record->id);
    file->opening = true;
    sk_sandbox_hold(s);
    sk_done_init(&file->opened, on_opened);
    sk_journal_open(s->node->loop, sk_sandbox_log(s), path, (uint64_t)s->node->config.log_max, &file->journal,
                    &file->opened);
}

void sk_log_file_close(struct sk_sandbox *s)
{
    struct sk_log_file *file = &s->log_file;

    assert(file->users > 0);
    if (--file->users == 0)
        sk_journal_free(sk_take(file->journal));
}

/* --- news ------------------------------------------------------------------ */

void sk_log_file_listen(struct sk_sandbox *s, struct sk_log_ear *ear, void (*fn)(struct sk_log_ear *ear))
{
    ear->fn = fn;
    sk_list_append(&s->log_file.ears, &ear->link);
}

void sk_log_ear_close(struct sk_log_ear *ear)
{
    sk_list_remove(&ear->link);
}

void sk_log_file_tell(struct sk_sandbox *s)
{
    sk_list_each(&s->log_file.ears, link)
    {
        struct sk_log_ear *ear = sk_list_entry(link, struct sk_log_ear, link);
        ear->fn(ear);
    }
}

/* --- reads ----------------------------------------------------------------- */

void sk_log_piece_unref(struct sk_log_piece *piece)
{
    if (!piece || --piece->refs > 0)
        return;
    free(piece->body.data);
    free(piece->body.marks);
    free(piece);
}

static void on_read(struct sk_done *done, const struct sk_err *err)
{
    struct shared_read *shared = sk_container_of(done, struct shared_read, done);
    struct sk_sandbox *s = shared->sandbox;
    struct sk_list *link;

    sk_list_remove(&shared->link);
    while ((link = sk_list_pop(&shared->readers))) {
        struct sk_log_read *read = sk_list_entry(link, struct sk_log_read, link);
        shared->piece->refs++;
        *read->out_piece = shared->piece;
        sk_done_fire(read->done, err);
    }
    sk_log_piece_unref(shared->piece);
    free(shared);
    sk_sandbox_unhold(s);
}

static struct shared_read *find_read(struct sk_log_file *file, uint64_t offset)
{
    sk_list_each(&file->reads, link)
    {
        struct shared_read *shared = sk_list_entry(link, struct shared_read, link);
        if (shared->piece->offset == offset)
            return shared;
    }
    return NULL;
}

static struct shared_read *start_read(struct sk_sandbox *s, uint64_t offset)
{
    struct shared_read *shared = sk_alloc(sizeof(*shared));

    shared->sandbox = s;
    shared->piece = sk_alloc(sizeof(*shared->piece));
    shared->piece->refs = 1;
    shared->piece->offset = offset;
    sk_list_init(&shared->readers);
    sk_list_append(&s->log_file.reads, &shared->link);
    sk_sandbox_hold(s);
    sk_done_init(&shared->done, on_read);
    sk_journal_read(s->log_file.journal, offset, &shared->piece->body, &shared->done);
    return shared;
}

void sk_log_file_read(struct sk_sandbox *s, uint64_t offset, struct sk_log_read *read,
                      struct sk_log_piece **out_piece, struct sk_done *done)
{
    struct shared_read *shared = find_read(&s->log_file, offset);

    if (!shared)
        shared = start_read(s, offset);
    read->out_piece = out_piece;
    read->done = done;
    sk_list_append(&shared->readers, &read->link);
}
