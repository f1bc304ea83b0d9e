/* unpack.c: one layer, from its blob to a committed snapshot: it is applied to
 * one whose key is ours alone, or, if it was unpacked ahead, put there, and
 * gets its name when all was found right. */
#include "containerd/snapshots.pb-c.h"
#include "drivers/containerd/ahead.h"
#include "drivers/containerd/filling.h"
#include "drivers/containerd/graft.h"
#include "drivers/containerd/layers.h"
#include "drivers/containerd/overlay.h"
#include "loop/work.h"

#include <string.h>

struct unpack {
    struct sk_ctd_filling filling;
    struct sk_ctd_ahead *ahead; /* NULL: it is unpacked now */
    struct sk_work work;
    struct sk_graft graft;
    struct sk_err refusal;
    bool is_grafted;
    bool is_second; /* somebody else had unpacked the same when we had */
};

static struct unpack *unpack_of(struct sk_op *op)
{
    return sk_container_of(sk_errand_of(op)->user, struct unpack, filling);
}

/* --- what was unpacked ahead ------------------------------------------------------------- */

static void forget(struct sk_op *op, struct sk_done *done)
{
    sk_ctd_ahead_free(sk_take(unpack_of(op)->ahead));
    sk_ctd_filling_forget(op, done);
}

static void remove_ahead(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (u->ahead)
        sk_ctd_filling_remove_key(u->filling.errand, u->ahead->key.key, done);
    else
        sk_ctd_filling_nothing(op, done);
}

static void run_graft(struct sk_work *work)
{
    struct unpack *u = sk_container_of(work, struct unpack, work);

    u->is_grafted = sk_graft_run(&u->graft, &u->refusal) == SK_OK;
}

static void graft(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    struct sk_ctd_filling *f = &u->filling;
    struct sk_ctd_overlay overlay;

    if (!u->ahead || !sk_ctd_overlay_read(&f->errand->arena, f->mounts, f->mount_count, &overlay)) {
        sk_ctd_filling_nothing(op, done);
        return;
    }
    u->graft = (struct sk_graft){
        .side = u->ahead->snapshot,
        .upper = overlay.snapshot,
        .lowers = overlay.lowers,
        .lower_count = overlay.lower_count,
        .made = u->ahead->made,
        .from = u->ahead->from,
    };
    sk_work_start(f->errand->content->client->loop, &u->work, run_graft, done);
}

static bool is_refused(const struct unpack *u)
{
    return u->ahead && !u->is_grafted;
}

/* Its snapshot: with nothing in it, or with what is of no use. */
static void leave_ahead(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (is_refused(u))
        sk_log_err(op->log, SK_DEBUG, "image.layer_again", &u->refusal,
                   SK_STR("layer", u->filling.ask.layer.digest));
    u->filling.errand->content->is_ahead_off |= u->refusal.code == SK_UNIMPLEMENTED;
    remove_ahead(op, done);
}

static void make_collector(struct sk_op *op, struct sk_done *done)
{
    if (is_refused(unpack_of(op)))
        sk_ctd_filling_make_collector(op, done);
    else
        sk_ctd_filling_nothing(op, done);
}

static void collect(struct sk_op *op, struct sk_done *done)
{
    if (is_refused(unpack_of(op)))
        sk_ctd_filling_collect(op, done);
    else
        sk_ctd_filling_nothing(op, done);
}

static void apply(struct sk_op *op, struct sk_done *done)
{
    if (unpack_of(op)->is_grafted)
        sk_ctd_filling_nothing(op, done);
    else
        sk_ctd_filling_apply(op, done);
}

static void label(struct sk_op *op, struct sk_done *done)
{
    if (unpack_of(op)->is_grafted)
        sk_ctd_filling_nothing(op, done);
    else
        sk_ctd_filling_label(op, done);
}

/* --- its name ---------------------------------------------------------------------------------- */

static void commit(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    struct sk_errand *errand = u->filling.errand;
    Containerd__CommitSnapshotRequest request = CONTAINERD__COMMIT_SNAPSHOT_REQUEST__INIT;

    request.snapshotter = errand->content->client->snapshotter;
    request.name = (char *)u->filling.ask.chain;
    request.key = u->filling.key.key;
    /* It measures the files once more. */
    sk_errand_call(errand, SK_CTD_SNAPSHOT_COMMIT, SK_FORGIVE(SK_ALREADY_EXISTS), SK_SEC(60), &request.base,
                   done);
}

/* Somebody else was first: theirs is as good. */
static void lease_other(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (u->filling.errand->said.code == SK_ALREADY_EXISTS) {
        u->is_second = true;
        sk_ctd_lease_snapshot(u->filling.errand, u->filling.ask.chain, done);
    } else {
        sk_ctd_filling_nothing(op, done);
    }
}

static void remove_ours(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (u->is_second)
        sk_ctd_filling_remove(op, done);
    else
        sk_ctd_filling_nothing(op, done);
}

void sk_ctd_unpack(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"note", sk_ctd_filling_note, forget},
        {"collect", sk_ctd_filling_nothing, sk_ctd_filling_collect},
        {"collector", sk_ctd_filling_nothing, sk_ctd_filling_make_collector},
        {"ahead", sk_ctd_filling_nothing, remove_ahead},
        {"prepare", sk_ctd_filling_prepare, sk_ctd_filling_remove},
        {"mounts", sk_ctd_filling_take_mounts, NULL},
        {"settle", sk_ctd_filling_nothing, sk_ctd_filling_settle},
        {"graft", graft, NULL},
        {"leave", leave_ahead, NULL},
        {"free", make_collector, NULL},
        {"freed", collect, NULL},
        {"apply", apply, NULL},
        {"measure", sk_ctd_filling_measure, NULL},
        {"size", sk_ctd_filling_judge_size, NULL},
        {"label", label, NULL},
        {"commit", commit, NULL},
        {"lease", lease_other, NULL},
        {"remove", remove_ours, NULL},
        {"forget", forget, NULL},
        {0},
    };
    struct sk_errand *errand = sk_errand_new(base, ask->lease, NULL, NULL);
    struct unpack *u = sk_arena_alloc(&errand->arena, sizeof(*u));

    sk_ctd_filling_init(&u->filling, errand, ask);
    if (ask->ahead_take)
        u->ahead = sk_container_of(ask->ahead_take, struct sk_ctd_ahead, base);
    sk_errand_start(errand, "unpack", steps, done);
}
