/* apply.c: one layer's files, into a snapshot that is being filled, and how large they grow. */
#include "containerd/diff.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "drivers/containerd/filling.h"

#include <string.h>

#define APPLY_LIMIT SK_SEC(3600)
/* Between two looks at the size, each of which walks through all the files: so many times what the last one
 * took, that no more than a quarter of the time goes there. */
#define LOOK_TIMES 3
#define LOOK_LEAST SK_MSEC(500)
#define LOOK_MOST  SK_SEC(30)

static struct sk_ctd_filling *filling_of(struct sk_op *op)
{
    return sk_errand_of(op)->user;
}

static struct sk_loop *loop_of(const struct sk_ctd_filling *f)
{
    return f->errand->content->client->loop;
}

/* --- how large it is ---------------------------------------------------------------------------- */

static bool is_too_large(const struct sk_ctd_filling *f, const Containerd__SnapshotUsage *usage)
{
    return usage->size > f->ask.max_bytes || usage->inodes > f->ask.max_inodes;
}

static enum sk_code refuse_size(const struct sk_ctd_filling *f, struct sk_err *err)
{
    return sk_fail(err, SK_RESOURCE_EXHAUSTED, "layer %s unpacks to more than %lld bytes or %lld files",
                   f->ask.layer.digest, (long long)f->ask.max_bytes, (long long)f->ask.max_inodes);
}

static void ask_size(struct sk_ctd_filling *f, struct sk_arena *arena, ProtobufCMessage **out_answer,
                     struct sk_done *done)
{
    struct sk_ctd_client *client = f->errand->content->client;
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = client->snapshotter;
    request.key = f->key.key;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){.method = SK_CTD_SNAPSHOT_USAGE,
                                     .limit = SK_SEC(60), /* it walks through all the files */
                                     .can_cancel = true,
                                     .arena = arena,
                                     .out_response = out_answer},
                &request.base, done);
}

static void end_apply(struct sk_ctd_filling *f);
static void on_look(struct sk_timer *timer);

static void look_after(struct sk_ctd_filling *f, struct sk_duration took)
{
    int64_t ns = took.ns * LOOK_TIMES;

    ns = ns < LOOK_LEAST.ns ? LOOK_LEAST.ns : ns > LOOK_MOST.ns ? LOOK_MOST.ns : ns;
    sk_timer_start(loop_of(f), &f->timer, sk_instant_add(sk_loop_now(loop_of(f)), SK_NS(ns)), on_look);
}

static void on_looked(struct sk_done *looked, const struct sk_err *err)
{
    struct sk_ctd_filling *f = sk_container_of(looked, struct sk_ctd_filling, looked);

    f->looking = false;
    if (!err && is_too_large(f, (const Containerd__SnapshotUsage *)f->usage))
        f->too_large = true;
    sk_arena_fini(&f->scratch);
    if (!f->applying)
        end_apply(f);
    else if (f->too_large)
        sk_done_cancel(&f->applied);
    else
        look_after(f, SK_NS(sk_loop_now(loop_of(f)).ns - f->looked_at.ns));
}

static void on_look(struct sk_timer *timer)
{
    struct sk_ctd_filling *f = sk_container_of(timer, struct sk_ctd_filling, timer);

    f->looking = true;
    f->looked_at = sk_loop_now(loop_of(f));
    sk_done_init(&f->looked, on_looked);
    ask_size(f, &f->scratch, &f->usage, &f->looked);
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
static void judge_layer(struct sk_ctd_filling *f, struct sk_err *err)
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
        (void)sk_err_wrap(err, "layer %s cannot be unpacked", f->ask.layer.digest);
    }
}

static enum sk_code judge_digest(struct sk_ctd_filling *f, struct sk_err *err)
{
    const Containerd__Descriptor *applied = ((const Containerd__ApplyResponse *)f->errand->answer)->applied;

    if (applied && strcmp(applied->digest, f->ask.diff_id) == 0)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "layer %s is not what its image's config says (%s)",
                   f->ask.layer.digest, f->ask.diff_id);
}

/* Once containerd has answered both. */
static void end_apply(struct sk_ctd_filling *f)
{
    struct sk_err *err = &f->outcome;

    if (f->looking)
        return;
    f->may_go_on = err->code == SK_CANCELLED || err->code == SK_DEADLINE_EXCEEDED;
    if (f->too_large)
        (void)refuse_size(f, err);
    else if (err->code == SK_OK)
        (void)judge_digest(f, err);
    else
        judge_layer(f, err);
    sk_done_fire(sk_take(f->step), err->code == SK_OK ? NULL : err);
}

static void on_applied(struct sk_done *applied, const struct sk_err *err)
{
    struct sk_ctd_filling *f = sk_container_of(applied, struct sk_ctd_filling, applied);

    f->applying = false;
    sk_timer_stop(loop_of(f), &f->timer);
    if (err)
        f->outcome = *err;
    if (f->looking)
        sk_done_cancel(&f->looked);
    end_apply(f);
}

static void cancel_apply(struct sk_done *step)
{
    struct sk_ctd_filling *f = step->callee;

    sk_done_cancel(&f->applied);
}

void sk_ctd_filling_apply(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    Containerd__Descriptor layer = CONTAINERD__DESCRIPTOR__INIT;
    Containerd__ApplyRequest request = CONTAINERD__APPLY_REQUEST__INIT;

    layer.media_type = f->ask.layer.media_type;
    layer.digest = f->ask.layer.digest;
    layer.size = f->ask.layer.size;
    request.diff = &layer;
    request.mounts = f->mounts;
    request.n_mounts = f->mount_count;
    f->step = done;
    done->callee = f;
    done->cancel = cancel_apply;
    f->applying = true;
    sk_done_init(&f->applied, on_applied);
    sk_errand_call(f->errand, SK_CTD_DIFF_APPLY, 0, APPLY_LIMIT, &request.base, &f->applied);
    look_after(f, SK_NS(0));
}

void sk_ctd_filling_measure(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);

    ask_size(f, &f->errand->arena, &f->usage, done);
}

void sk_ctd_filling_judge_size(struct sk_op *op, struct sk_done *done)
{
    struct sk_ctd_filling *f = filling_of(op);
    struct sk_err err = {0};

    if (is_too_large(f, (const Containerd__SnapshotUsage *)f->usage))
        (void)refuse_size(f, &err);
    else if (f->ask.out_bytes)
        *f->ask.out_bytes = ((const Containerd__SnapshotUsage *)f->usage)->size;
    sk_errand_step_ends(f->errand, err.code == SK_OK ? NULL : &err, done);
}
