#include "drivers/containerd/ahead.h"
#include "drivers/containerd/filling.h"
#include "drivers/containerd/graft.h"
#include "drivers/containerd/overlay.h"
#include "loop/work.h"

#include <string.h>

struct unpack_ahead {
    struct sk_ctd_filling filling;
    struct sk_work work;
    struct timespec asked; /* when the snapshot was asked for */
    struct timespec from;
    const char *snapshot;
    struct stat made;
    struct sk_ctd_ahead *kept;
};

static struct unpack_ahead *unpack_of(struct sk_op *op)
{
    return sk_container_of(sk_errand_of(op)->user, struct unpack_ahead, filling);
}

void sk_ctd_ahead_free(struct sk_ctd_ahead *ahead)
{
    if (!ahead)
        return;
    sk_list_remove(&ahead->key.link);
    free(ahead->snapshot);
    free(ahead);
}

/* --- where it may be done ----------------------------------------------------------------- */

static void judge_store(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    struct unpack_ahead *u = unpack_of(op);
    struct sk_err err = {0};

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &u->asked);
    if (strcmp(errand->content->client->snapshotter, "overlayfs") != 0 || errand->content->is_ahead_off)
        (void)sk_fail(&err, SK_UNIMPLEMENTED, "layers are unpacked in their order here");
    sk_errand_step_ends(errand, err.code == SK_OK ? NULL : &err, done);
}

static void run_look(struct sk_work *work)
{
    struct unpack_ahead *u = sk_container_of(work, struct unpack_ahead, work);

    (void)!sk_graft_look(u->snapshot, u->asked, &u->made, &work->err);
}

static void look(struct sk_op *op, struct sk_done *done)
{
    struct unpack_ahead *u = unpack_of(op);
    struct sk_ctd_filling *f = &u->filling;
    struct sk_ctd_overlay overlay;
    struct sk_err err;

    if (!sk_ctd_overlay_read(&f->errand->arena, f->mounts, f->mount_count, &overlay)) {
        (void)sk_fail(&err, SK_UNIMPLEMENTED, "the snapshot is of an unknown kind");
        sk_errand_step_ends(f->errand, &err, done);
        return;
    }
    u->snapshot = overlay.snapshot;
    sk_work_start(f->errand->content->client->loop, &u->work, run_look, done);
}

/* --- the layer -------------------------------------------------------------------------------- */

static void apply(struct sk_op *op, struct sk_done *done)
{
    struct unpack_ahead *u = unpack_of(op);
    struct sk_ctd_filling *f = &u->filling;
    struct sk_arena *arena = &f->errand->arena;

    f->mounts = sk_arena_alloc(arena, sizeof(struct Containerd__Mount *));
    f->mounts[0] = sk_ctd_overlay_alone(arena, u->snapshot);
    f->mount_count = 1;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &u->from);
    sk_ctd_filling_apply(op, done);
}

static void keep(struct sk_op *op, struct sk_done *done)
{
    struct unpack_ahead *u = unpack_of(op);
    struct sk_errand *errand = u->filling.errand;
    struct sk_ctd_ahead *ahead = sk_alloc(sizeof(*ahead));

    ahead->base.content = &errand->content->base;
    memcpy(ahead->key.key, u->filling.key.key, sizeof(ahead->key.key));
    sk_list_append(&errand->content->unpacks, &ahead->key.link);
    ahead->snapshot = sk_strdup(u->snapshot);
    ahead->made = u->made;
    ahead->from = u->from;
    u->kept = ahead;
    *(struct sk_ahead **)errand->out = &ahead->base;
    sk_ctd_filling_forget(op, done);
}

static void keep_not(struct sk_op *op, struct sk_done *done)
{
    struct unpack_ahead *u = unpack_of(op);

    sk_ctd_ahead_free(sk_take(u->kept));
    *(struct sk_ahead **)u->filling.errand->out = NULL;
    sk_ctd_filling_nothing(op, done);
}

void sk_ctd_unpack_ahead(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_ahead **out,
                         struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"store", judge_store, NULL},
        {"note", sk_ctd_filling_note, sk_ctd_filling_forget},
        {"collect", sk_ctd_filling_nothing, sk_ctd_filling_collect},
        {"collector", sk_ctd_filling_nothing, sk_ctd_filling_make_collector},
        {"prepare", sk_ctd_filling_prepare, sk_ctd_filling_remove},
        {"mounts", sk_ctd_filling_take_mounts, NULL},
        {"look", look, NULL},
        {"settle", sk_ctd_filling_nothing, sk_ctd_filling_settle},
        {"apply", apply, NULL},
        {"measure", sk_ctd_filling_measure, NULL},
        {"size", sk_ctd_filling_judge_size, NULL},
        {"label", sk_ctd_filling_label, NULL},
        {"keep", keep, keep_not},
        {0},
    };
    struct sk_errand *errand = sk_errand_new(base, ask->lease, NULL, out);
    struct unpack_ahead *u = sk_arena_alloc(&errand->arena, sizeof(*u));

    sk_ctd_filling_init(&u->filling, errand, ask);
    u->filling.ask.parent = "";
    *out = NULL;
    sk_errand_start(errand, "unpack_ahead", steps, done);
}

/* --- it is not needed ---------------------------------------------------------------------------- */

void sk_ctd_drop_ahead(struct sk_ahead *base_take, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"remove", sk_ctd_filling_remove, sk_ctd_filling_forget},
        {"collector", sk_ctd_filling_make_collector, NULL},
        {"collect", sk_ctd_filling_collect, NULL},
        {"forget", sk_ctd_filling_forget, NULL},
        {0},
    };
    struct sk_ctd_ahead *ahead = sk_container_of(base_take, struct sk_ctd_ahead, base);
    struct sk_errand *errand = sk_errand_new(base_take->content, NULL, NULL, NULL);
    struct sk_ctd_filling *filling = sk_arena_alloc(&errand->arena, sizeof(*filling));

    filling->errand = errand;
    errand->user = filling;
    sk_ctd_filling_adopt(filling, ahead->key.key);
    sk_ctd_ahead_free(ahead);
    sk_errand_start(errand, "drop_ahead", steps, done);
}
