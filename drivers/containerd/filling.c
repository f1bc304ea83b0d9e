#include "drivers/containerd/filling.h"
#include "base/random.h"
#include "containerd/content.pb-c.h"
#include "containerd/leases.pb-c.h"
#include "containerd/snapshots.pb-c.h"

#include <inttypes.h>

/* Cleaning up, of which the caller of a cancelled call does not wait long. */
#define UNDO_LIMIT    SK_SEC(4)
#define COLLECT_LIMIT SK_SEC(10)
/* Until containerd has noticed that nobody waits for its work any more. */
#define SETTLE SK_MSEC(300)

static struct sk_ctd_filling *filling_of(struct sk_op *op)
{
    return sk_errand_of(op)->user;
}

void sk_ctd_filling_init(struct sk_ctd_filling *filling, struct sk_errand *errand,
                         const struct sk_unpack_ask *ask)
{
    filling->errand = errand;
    filling->ask = *ask;
    filling->ask.chain = sk_arena_strdup(&errand->arena, ask->chain);
    filling->ask.diff_id = sk_arena_strdup(&errand->arena, ask->diff_id);
    filling->ask.parent = sk_arena_strdup(&errand->arena, ask->parent);
    errand->user = filling;
}

void sk_ctd_filling_nothing(struct sk_op *op, struct sk_done *done)
{
    sk_errand_step_ends(sk_errand_of(op), NULL, done);
}

/* --- its key ------------------------------------------------------------------------------ */

void sk_ctd_filling_adopt(struct sk_ctd_filling *f, const char *key)
{
    uint32_t number;

    sk_random(&number, sizeof(number));
    (void)snprintf(f->key.key, sizeof(f->key.key), "%s", key);
    f->collector = sk_arena_printf(&f->errand->arena, SK_CTD_OURS "collect-%08" PRIx32, number);
    sk_list_append(&f->errand->content->unpacks, &f->key.link);
}

void sk_ctd_filling_note(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    char key[sizeof(f->key.key)];
    uint32_t number;

    sk_random(&number, sizeof(number));
    (void)snprintf(key, sizeof(key), SK_CTD_OURS_UNPACK "%08" PRIx32 " %s", number, f->ask.chain);
    sk_ctd_filling_adopt(f, key);
    sk_errand_step_ends(f->errand, NULL, done);
}

void sk_ctd_filling_forget(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);

    sk_list_remove(&f->key.link);
    sk_errand_step_ends(f->errand, NULL, done);
}

/* --- its files ------------------------------------------------------------------------------ */

void sk_ctd_filling_make_collector(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    Containerd__CreateLeaseRequest request = CONTAINERD__CREATE_LEASE_REQUEST__INIT;

    request.id = f->collector;
    sk_errand_call(f->errand, SK_CTD_LEASE_CREATE, 0, UNDO_LIMIT, &request.base, done);
}

void sk_ctd_filling_collect(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    Containerd__DeleteLeaseRequest request = CONTAINERD__DELETE_LEASE_REQUEST__INIT;

    request.id = f->collector;
    request.sync = true;
    sk_errand_call(f->errand, SK_CTD_LEASE_DELETE, SK_FORGIVE(SK_NOT_FOUND), COLLECT_LIMIT, &request.base,
                   done);
}

/* --- the snapshot ----------------------------------------------------------------------------- */

void sk_ctd_filling_prepare(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    Containerd__PrepareSnapshotRequest request = CONTAINERD__PREPARE_SNAPSHOT_REQUEST__INIT;

    request.snapshotter = f->errand->content->client->snapshotter;
    request.key = f->key.key;
    request.parent = (char *)f->ask.parent;
    sk_errand_call(f->errand, SK_CTD_SNAPSHOT_PREPARE, 0, SK_NS(0), &request.base, done);
}

void sk_ctd_filling_remove_key(struct sk_errand *errand, const char *key, struct sk_done *done)
{
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = errand->content->client->snapshotter;
    request.key = (char *)key;
    sk_errand_call(errand, SK_CTD_SNAPSHOT_REMOVE, SK_FORGIVE(SK_NOT_FOUND), UNDO_LIMIT, &request.base, done);
}

void sk_ctd_filling_remove(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);

    sk_ctd_filling_remove_key(f->errand, f->key.key, done);
}

void sk_ctd_filling_take_mounts(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    const Containerd__MountsResponse *prepared = (const Containerd__MountsResponse *)f->errand->answer;

    f->mounts = prepared->mounts;
    f->mount_count = prepared->n_mounts;
    sk_errand_step_ends(f->errand, NULL, done);
}

static void on_settled(struct sk_timer *timer)
{
    struct sk_ctd_filling *f = sk_container_of(timer, struct sk_ctd_filling, timer);

    sk_done_fire(sk_take(f->step), NULL);
}

void sk_ctd_filling_settle(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    struct sk_loop *loop = f->errand->content->client->loop;

    f->step = done;
    sk_timer_start(loop, &f->timer, sk_instant_add(sk_loop_now(loop), f->may_go_on ? SETTLE : SK_NS(0)),
                   on_settled);
}

/* --- what the blob is ---------------------------------------------------------------------------- */

void sk_ctd_filling_label(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    Containerd__Label label = CONTAINERD__LABEL__INIT, *labels[] = {&label};
    Containerd__BlobInfo info = CONTAINERD__BLOB_INFO__INIT;
    Containerd__FieldMask mask = CONTAINERD__FIELD_MASK__INIT;
    Containerd__UpdateBlobRequest request = CONTAINERD__UPDATE_BLOB_REQUEST__INIT;
    char *paths[] = {"labels.containerd.io/uncompressed"};

    label.key = "containerd.io/uncompressed";
    label.value = (char *)f->ask.diff_id;
    info.digest = f->ask.layer.digest;
    info.labels = labels;
    info.n_labels = 1;
    mask.paths = paths;
    mask.n_paths = 1;
    request.info = &info;
    request.update_mask = &mask;
    sk_errand_call(f->errand, SK_CTD_CONTENT_UPDATE, SK_FORGIVE(SK_NOT_FOUND), SK_NS(0), &request.base, done);
}
