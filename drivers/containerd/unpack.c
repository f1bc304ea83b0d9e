/* unpack.c: one layer, from its blob to a committed snapshot.
 *
 * containerd applies it to a snapshot whose key is ours alone, which gets its
 * name when all was found right; what grows too large meanwhile is cut off.
 * When anything fails the snapshot goes, and its files with it. */
#include "base/random.h"
#include "containerd/content.pb-c.h"
#include "containerd/diff.pb-c.h"
#include "containerd/leases.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "drivers/containerd/layers.h"

#include <inttypes.h>
#include <string.h>

#define APPLY_LIMIT SK_SEC(3600)
/* Cleaning up, of which the caller of a cancelled call does not wait long. */
#define UNDO_LIMIT    SK_SEC(4)
#define COLLECT_LIMIT SK_SEC(10)
/* Between two looks at the size, each of which walks through all the files: so many times what the last one
 * took, that no more than a quarter of the time goes there. */
#define LOOK_TIMES 3
#define LOOK_LEAST SK_MSEC(500)
#define LOOK_MOST  SK_SEC(30)
/* Until containerd has noticed that nobody waits for its work any more. */
#define SETTLE SK_MSEC(300)

struct unpack {
    struct sk_errand *errand;
    struct sk_unpack_ask ask;
    struct sk_ctd_unpack_key key;
    char *collector; /* the lease whose end makes containerd collect */

    struct sk_done applied, looked;
    struct sk_done *step; /* of apply or settle; NULL when it has answered */
    struct sk_timer timer;
    struct sk_instant looked_at;
    struct sk_arena scratch; /* of one look */
    ProtobufCMessage *usage;
    struct sk_err outcome; /* of apply */
    bool applying, looking, too_large, may_go_on;
    bool is_second; /* somebody else had unpacked the same when we had */
};

static struct unpack *unpack_of(struct sk_op *op)
{
    return sk_errand_of(op)->user;
}

static struct sk_loop *loop_of(const struct unpack *u)
{
    return u->errand->content->client->loop;
}

static void nothing(struct sk_op *op, struct sk_done *done)
{
    sk_errand_step_ends(sk_errand_of(op), NULL, done);
}

/* --- no litter while it lasts ---------------------------------------------------------- */

static void note_key(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    uint32_t number;

    sk_random(&number, sizeof(number));
    (void)snprintf(u->key.key, sizeof(u->key.key), SK_CTD_OURS_UNPACK "%08" PRIx32 " %s", number,
                   u->ask.chain);
    u->collector = sk_arena_printf(&u->errand->arena, SK_CTD_OURS "collect-%08" PRIx32, number);
    sk_list_append(&u->errand->content->unpacks, &u->key.link);
    sk_errand_step_ends(u->errand, NULL, done);
}

static void forget_key(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    sk_list_remove(&u->key.link);
    sk_errand_step_ends(u->errand, NULL, done);
}

/* --- the files of a removed snapshot go when containerd collects, which the end of a lease makes it do ---
 */

static void make_collector(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__CreateLeaseRequest request = CONTAINERD__CREATE_LEASE_REQUEST__INIT;

    request.id = u->collector;
    sk_errand_call(u->errand, SK_CTD_LEASE_CREATE, 0, UNDO_LIMIT, &request.base, done);
}

static void collect(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__DeleteLeaseRequest request = CONTAINERD__DELETE_LEASE_REQUEST__INIT;

    request.id = u->collector;
    request.sync = true;
    sk_errand_call(u->errand, SK_CTD_LEASE_DELETE, SK_FORGIVE(SK_NOT_FOUND), COLLECT_LIMIT, &request.base,
                   done);
}

/* --- the snapshot -------------------------------------------------------------------------- */

static void prepare(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__PrepareSnapshotRequest request = CONTAINERD__PREPARE_SNAPSHOT_REQUEST__INIT;

    request.snapshotter = u->errand->content->client->snapshotter;
    request.key = u->key.key;
    request.parent = (char *)u->ask.parent;
    sk_errand_call(u->errand, SK_CTD_SNAPSHOT_PREPARE, 0, SK_NS(0), &request.base, done);
}

static void remove_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = u->errand->content->client->snapshotter;
    request.key = u->key.key;
    sk_errand_call(u->errand, SK_CTD_SNAPSHOT_REMOVE, SK_FORGIVE(SK_NOT_FOUND), UNDO_LIMIT, &request.base,
                   done);
}

static void on_settled(struct sk_timer *timer)
{
    struct unpack *u = sk_container_of(timer, struct unpack, timer);

    sk_done_fire(sk_take(u->step), NULL);
}

static void settle(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    u->step = done;
    sk_timer_start(loop_of(u), &u->timer,
                   sk_instant_add(sk_loop_now(loop_of(u)), u->may_go_on ? SETTLE : SK_NS(0)), on_settled);
}

/* --- how large it is ---------------------------------------------------------------------------- */

static bool is_too_large(const struct unpack *u, const Containerd__SnapshotUsage *usage)
{
    return usage->size > u->ask.max_bytes || usage->inodes > u->ask.max_inodes;
}

static enum sk_code refuse_size(const struct unpack *u, struct sk_err *err)
{
    return sk_fail(err, SK_RESOURCE_EXHAUSTED, "layer %s unpacks to more than %lld bytes or %lld files",
                   u->ask.layer.digest, (long long)u->ask.max_bytes, (long long)u->ask.max_inodes);
}

static void ask_size(struct unpack *u, struct sk_arena *arena, ProtobufCMessage **out_answer,
                     struct sk_done *done)
{
    struct sk_ctd_client *client = u->errand->content->client;
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = client->snapshotter;
    request.key = u->key.key;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){.method = SK_CTD_SNAPSHOT_USAGE,
                                     .limit = SK_SEC(60), /* it walks through all the files */
                                     .can_cancel = true,
                                     .arena = arena,
                                     .out_response = out_answer},
                &request.base, done);
}

static void end_apply(struct unpack *u);
static void on_look(struct sk_timer *timer);

static void look_after(struct unpack *u, struct sk_duration took)
{
    int64_t ns = took.ns * LOOK_TIMES;

    ns = ns < LOOK_LEAST.ns ? LOOK_LEAST.ns : ns > LOOK_MOST.ns ? LOOK_MOST.ns : ns;
    sk_timer_start(loop_of(u), &u->timer, sk_instant_add(sk_loop_now(loop_of(u)), SK_NS(ns)), on_look);
}

static void on_looked(struct sk_done *looked, const struct sk_err *err)
{
    struct unpack *u = sk_container_of(looked, struct unpack, looked);

    u->looking = false;
    if (!err && is_too_large(u, (const Containerd__SnapshotUsage *)u->usage))
        u->too_large = true;
    sk_arena_fini(&u->scratch);
    if (!u->applying)
        end_apply(u);
    else if (u->too_large)
        sk_done_cancel(&u->applied);
    else
        look_after(u, SK_NS(sk_loop_now(loop_of(u)).ns - u->looked_at.ns));
}

static void on_look(struct sk_timer *timer)
{
    struct unpack *u = sk_container_of(timer, struct unpack, timer);

    u->looking = true;
    u->looked_at = sk_loop_now(loop_of(u));
    sk_done_init(&u->looked, on_looked);
    ask_size(u, &u->scratch, &u->usage, &u->looked);
}

/* --- apply ------------------------------------------------------------------------------------------ */

/* Without the folder that it was unpacked in, which says nothing and takes half the room. */
static const char *reason_in(const char *text)
{
    static const char mount[] = "mount callback failed on ";
    const char *at = strstr(text, mount);
    const char *end = at ? strstr(at + strlen(mount), ": ") : NULL;

    return end ? end + 2 : text;
}

/* What containerd says of a layer that it cannot unpack has a code of no great meaning. */
static void judge_layer(struct unpack *u, struct sk_err *err)
{
    sk_ctd_content_judge(err);
    switch (err->code) {
    case SK_UNAVAILABLE:
    case SK_CANCELLED:
    case SK_DEADLINE_EXCEEDED:
    case SK_NOT_FOUND:
    case SK_RESOURCE_EXHAUSTED:
        return;
    default:
        memmove(err->text, reason_in(err->text), strlen(reason_in(err->text)) + 1);
        err->code = SK_FAILED_PRECONDITION;
        (void)sk_err_wrap(err, "layer %s cannot be unpacked", u->ask.layer.digest);
    }
}

static enum sk_code judge_digest(struct unpack *u, struct sk_err *err)
{
    const Containerd__Descriptor *applied = ((const Containerd__ApplyResponse *)u->errand->answer)->applied;

    if (applied && strcmp(applied->digest, u->ask.diff_id) == 0)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "layer %s is not what its image's config says (%s)",
                   u->ask.layer.digest, u->ask.diff_id);
}

/* Once containerd has answered both. */
static void end_apply(struct unpack *u)
{
    struct sk_err *err = &u->outcome;

    if (u->looking)
        return;
    u->may_go_on = err->code == SK_CANCELLED || err->code == SK_DEADLINE_EXCEEDED;
    if (u->too_large)
        (void)refuse_size(u, err);
    else if (err->code == SK_OK)
        (void)judge_digest(u, err);
    else
        judge_layer(u, err);
    sk_done_fire(sk_take(u->step), err->code == SK_OK ? NULL : err);
}

static void on_applied(struct sk_done *applied, const struct sk_err *err)
{
    struct unpack *u = sk_container_of(applied, struct unpack, applied);

    u->applying = false;
    sk_timer_stop(loop_of(u), &u->timer);
    if (err)
        u->outcome = *err;
    if (u->looking)
        sk_done_cancel(&u->looked);
    end_apply(u);
}

static void cancel_apply(struct sk_done *step)
{
    struct unpack *u = step->callee;

    sk_done_cancel(&u->applied);
}

static void apply(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    const Containerd__MountsResponse *prepared = (const Containerd__MountsResponse *)u->errand->answer;
    Containerd__Descriptor layer = CONTAINERD__DESCRIPTOR__INIT;
    Containerd__ApplyRequest request = CONTAINERD__APPLY_REQUEST__INIT;

    layer.media_type = u->ask.layer.media_type;
    layer.digest = u->ask.layer.digest;
    layer.size = u->ask.layer.size;
    request.diff = &layer;
    request.mounts = prepared->mounts;
    request.n_mounts = prepared->n_mounts;
    u->step = done;
    done->callee = u;
    done->cancel = cancel_apply;
    u->applying = true;
    sk_done_init(&u->applied, on_applied);
    sk_errand_call(u->errand, SK_CTD_DIFF_APPLY, 0, APPLY_LIMIT, &request.base, &u->applied);
    look_after(u, SK_NS(0));
}

static void measure(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    ask_size(u, &u->errand->arena, &u->usage, done);
}

static void judge_size(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    struct sk_err err = {0};

    if (is_too_large(u, (const Containerd__SnapshotUsage *)u->usage))
        (void)refuse_size(u, &err);
    else if (u->ask.out_bytes)
        *u->ask.out_bytes = ((const Containerd__SnapshotUsage *)u->usage)->size;
    sk_errand_step_ends(u->errand, err.code == SK_OK ? NULL : &err, done);
}

/* --- its name ------------------------------------------------------------------------------------------ */

/* As containerd's own clients do, which then need not unpack it to know. */
static void label_blob(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__Label label = CONTAINERD__LABEL__INIT, *labels[] = {&label};
    Containerd__BlobInfo info = CONTAINERD__BLOB_INFO__INIT;
    Containerd__FieldMask mask = CONTAINERD__FIELD_MASK__INIT;
    Containerd__UpdateBlobRequest request = CONTAINERD__UPDATE_BLOB_REQUEST__INIT;
    char *paths[] = {"labels.containerd.io/uncompressed"};

    label.key = "containerd.io/uncompressed";
    label.value = (char *)u->ask.diff_id;
    info.digest = u->ask.layer.digest;
    info.labels = labels;
    info.n_labels = 1;
    mask.paths = paths;
    mask.n_paths = 1;
    request.info = &info;
    request.update_mask = &mask;
    sk_errand_call(u->errand, SK_CTD_CONTENT_UPDATE, SK_FORGIVE(SK_NOT_FOUND), SK_NS(0), &request.base, done);
}

static void commit(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);
    Containerd__CommitSnapshotRequest request = CONTAINERD__COMMIT_SNAPSHOT_REQUEST__INIT;

    request.snapshotter = u->errand->content->client->snapshotter;
    request.name = (char *)u->ask.chain;
    request.key = u->key.key;
    /* It measures the files once more. */
    sk_errand_call(u->errand, SK_CTD_SNAPSHOT_COMMIT, SK_FORGIVE(SK_ALREADY_EXISTS), SK_SEC(60),
                   &request.base, done);
}

/* Somebody else was first: theirs is as good. */
static void lease_other(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (u->errand->said.code == SK_ALREADY_EXISTS) {
        u->is_second = true;
        sk_ctd_lease_snapshot(u->errand, u->ask.chain, done);
    } else {
        sk_errand_step_ends(u->errand, NULL, done);
    }
}

static void remove_ours(struct sk_op *op, struct sk_done *done)
{
    struct unpack *u = unpack_of(op);

    if (u->is_second)
        remove_snapshot(op, done);
    else
        sk_errand_step_ends(u->errand, NULL, done);
}

void sk_ctd_unpack(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"note", note_key, forget_key},
        {"collect", nothing, collect},
        {"collector", nothing, make_collector},
        {"prepare", prepare, remove_snapshot},
        {"settle", nothing, settle},
        {"apply", apply, NULL},
        {"measure", measure, NULL},
        {"size", judge_size, NULL},
        {"label", label_blob, NULL},
        {"commit", commit, NULL},
        {"lease", lease_other, NULL},
        {"remove", remove_ours, NULL},
        {"forget", forget_key, NULL},
        {0},
    };
    struct sk_errand *errand = sk_errand_new(base, ask->lease, ask->chain, NULL);
    struct unpack *u = sk_arena_alloc(&errand->arena, sizeof(*u));

    u->errand = errand;
    u->ask = *ask;
    u->ask.chain = errand->key;
    u->ask.diff_id = sk_arena_strdup(&errand->arena, ask->diff_id);
    u->ask.parent = sk_arena_strdup(&errand->arena, ask->parent);
    errand->user = u;
    sk_errand_start(errand, "unpack", steps, done);
}
