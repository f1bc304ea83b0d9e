#include "drivers/containerd/image.h"

#include "base/buf.h"
#include "containerd/content.pb-c.h"
#include "containerd/images.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "loop/op.h"
#include "oci/digest.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/reference.h"

#include <string.h>

#define BLOB_MAX ((size_t)4 * 1024 * 1024) /* of an index, manifest or config */

/* One ensure: name -> index -> manifest -> config -> snapshot. */
struct ensure {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_ctd_images *images;
    struct sk_image **out_image;
    struct sk_image *image; /* owned, set when all is known */
    struct sk_arena arena;
    struct sk_buf blob; /* the last one read */
    char name[SK_REFERENCE_MAX];
    char *target;                  /* what the name points to */
    char manifest[SK_DIGEST_SIZE]; /* for this platform */
    struct sk_manifest found;      /* what the last index or manifest said */
    struct sk_image_config config;
    char chain[SK_DIGEST_SIZE];
    ProtobufCMessage *answer;
    struct sk_err said;
};

static struct ensure *ensure_of(struct sk_op *op)
{
    return sk_container_of(op, struct ensure, op);
}

static void finish_ensure(struct sk_done *over, const struct sk_err *err)
{
    struct ensure *e = sk_container_of(over, struct ensure, over);
    struct sk_done *done = e->done;
    if (!err)
        *e->out_image = sk_take(e->image);
    sk_image_free(e->image);
    sk_buf_fini(&e->blob);
    sk_arena_fini(&e->arena);
    free(e);
    sk_done_fire(done, err);
}

/* Ends a step that did not have to wait. */
static void end_step(struct ensure *e, enum sk_code code, const struct sk_err *err, struct sk_done *done)
{
    sk_done_later(e->images->client->loop, done, code == SK_OK ? NULL : err);
}

static void get_image(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;
    request.name = e->name;
    sk_ctd_call(e->images->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_IMAGE_GET,
                    .forgive = SK_FORGIVE(SK_NOT_FOUND),
                    .can_cancel = true,
                    .arena = &e->arena,
                    .out_response = &e->answer,
                    .out_err = &e->said,
                },
                &request.base, done);
}

static void judge_image(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    struct sk_err err;
    const Containerd__GetImageResponse *response = (const Containerd__GetImageResponse *)e->answer;
    if (e->said.code == SK_NOT_FOUND) {
        end_step(e, sk_fail(&err, SK_NOT_FOUND, "image %s is not on this node", e->name), &err, done);
        return;
    }
    const Containerd__Descriptor *target = response->image ? response->image->target : NULL;
    if (!target || !sk_digest_is_valid(target->digest)) {
        end_step(e, sk_fail(&err, SK_FAILED_PRECONDITION, "image %s has no valid digest", e->name), &err,
                 done);
        return;
    }
    e->target = target->digest;
    e->image = sk_image_cache_get(&e->images->cache, e->name, e->target);
    memcpy(e->found.next.digest, e->target, strlen(e->target) + 1);
    end_step(e, SK_OK, NULL, done);
}

static enum sk_code take_chunk(void *arg, const ProtobufCMessage *message, struct sk_err *err)
{
    struct ensure *e = arg;
    const Containerd__ReadContentResponse *chunk = (const Containerd__ReadContentResponse *)message;
    if (sk_buf_append(&e->blob, chunk->data.data, chunk->data.len) == SK_OK)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "image %s: manifest or config above 4 MiB", e->name);
}

static void read_blob(struct ensure *e, char *digest, struct sk_done *done)
{
    Containerd__ReadContentRequest request = CONTAINERD__READ_CONTENT_REQUEST__INIT;
    request.digest = digest;
    sk_buf_clear(&e->blob);
    sk_ctd_gather(e->images->client, SK_CTD_CONTENT_READ, &request.base,
                  &(struct sk_ctd_gather){take_chunk, e, SK_FORGIVE(SK_NOT_FOUND), &e->said}, done);
}

/* What the last answer named next: an index, a manifest, a config. */
static void read_next(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    if (e->image)
        end_step(e, SK_OK, NULL, done);
    else
        read_blob(e, e->found.next.digest, done);
}

/* An image of many platforms may have been fetched for another one only. */
static enum sk_code blob_is_there(const struct ensure *e, struct sk_err *err)
{
    if (e->said.code == SK_NOT_FOUND)
        return sk_fail(err, SK_FAILED_PRECONDITION, "image %s is on this node, but not all of it", e->name);
    return SK_OK;
}

static enum sk_code parse_manifest(struct ensure *e, struct sk_err *err)
{
    enum sk_code code = blob_is_there(e, err);
    if (code == SK_OK) {
        memcpy(e->manifest, e->found.next.digest, sizeof(e->manifest));
        code =
            sk_manifest_parse(e->blob.data, e->blob.len, e->images->architecture, &e->arena, &e->found, err);
    }
    return code;
}

static void judge_target(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    struct sk_err err;
    end_step(e, e->image ? SK_OK : parse_manifest(e, &err), &err, done);
}

static void read_manifest(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    if (e->image || !e->found.is_index)
        end_step(e, SK_OK, NULL, done);
    else
        read_blob(e, e->found.next.digest, done);
}

static void judge_manifest(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    struct sk_err err;
    enum sk_code code = SK_OK;
    if (!e->image && e->found.is_index)
        code = parse_manifest(e, &err);
    if (code == SK_OK && e->found.is_index && !e->image)
        code = sk_fail(&err, SK_FAILED_PRECONDITION, "image %s is an index of indexes", e->name);
    end_step(e, code, &err, done);
}

static void judge_config(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    struct sk_err err;
    enum sk_code code = e->image ? SK_OK : blob_is_there(e, &err);
    if (!e->image && code == SK_OK)
        code = sk_image_config_parse(e->blob.data, e->blob.len, e->images->architecture, &e->arena,
                                     &e->config, &err);
    if (!e->image && code == SK_OK)
        sk_chain_id(e->config.diff_ids, e->chain);
    end_step(e, code, &err, done);
}

static void find_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;
    e->said.code = SK_OK;
    if (e->image) /* known already, but its snapshot may have been removed since */
        memcpy(e->chain, e->image->snapshot_parent, strlen(e->image->snapshot_parent) + 1);
    if (!*e->chain) {
        end_step(e, SK_OK, NULL, done);
        return;
    }
    request.snapshotter = e->images->client->snapshotter;
    request.key = e->chain;
    sk_ctd_call(e->images->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_SNAPSHOT_STAT,
                    .forgive = SK_FORGIVE(SK_NOT_FOUND),
                    .can_cancel = true,
                    .out_err = &e->said,
                },
                &request.base, done);
}

static void describe(struct ensure *e)
{
    struct sk_image image = {
        .name = e->name,
        .digest = e->manifest,
        .snapshot_parent = e->chain,
        .entrypoint = e->config.entrypoint,
        .cmd = e->config.cmd,
        .env = e->config.env,
        .working_dir = e->config.working_dir,
        .user = e->config.user,
        .stop_signal = e->config.stop_signal,
        .puller = (char[]){""},
    };
    sk_image_cache_put(&e->images->cache, e->target, &image);
    e->image = sk_image_cache_get(&e->images->cache, e->name, e->target);
}

static void judge_snapshot(struct sk_op *op, struct sk_done *done)
{
    struct ensure *e = ensure_of(op);
    struct sk_err err;
    if (e->said.code == SK_NOT_FOUND) {
        end_step(e,
                 sk_fail(&err, SK_FAILED_PRECONDITION, "image %s is not unpacked for snapshotter %s", e->name,
                         e->images->client->snapshotter),
                 &err, done);
        return;
    }
    if (!e->image)
        describe(e);
    end_step(e, SK_OK, NULL, done);
}

static const struct sk_step steps[] = {
    {"get", get_image, NULL},
    {"image", judge_image, NULL},
    {"read_target", read_next, NULL},
    {"target", judge_target, NULL},
    {"read_manifest", read_manifest, NULL},
    {"manifest", judge_manifest, NULL},
    {"read_config", read_next, NULL},
    {"config", judge_config, NULL},
    {"find_snapshot", find_snapshot, NULL},
    {"snapshot", judge_snapshot, NULL},
    {NULL, NULL, NULL},
};

static void cancel_ensure(struct sk_done *done)
{
    struct ensure *e = done->callee;
    sk_op_cancel(&e->op, NULL);
}

static void ensure(struct sk_image_driver *base, const char *reference, struct sk_image **out_image,
                   struct sk_done *done)
{
    struct sk_ctd_images *images = sk_container_of(base, struct sk_ctd_images, base);
    struct ensure *e = sk_alloc(sizeof(*e));
    struct sk_err err;
    if (sk_reference_normalise(reference, e->name, &err) != SK_OK) {
        free(e);
        sk_done_later(images->client->loop, done, &err);
        return;
    }
    e->images = images;
    e->done = done;
    e->out_image = out_image;
    sk_buf_init(&e->blob, BLOB_MAX);
    done->callee = e;
    done->cancel = cancel_ensure;
    sk_done_init(&e->over, finish_ensure);
    e->op.flow = "image";
    sk_op_start(&e->op, images->client->loop, images->client->log, steps, (struct sk_instant){0}, &e->over);
}

static const struct sk_image_ops ops = {.find = ensure};

void sk_ctd_images_init(struct sk_ctd_images *images, struct sk_ctd_client *client, const char *machine)
{
    *images = (struct sk_ctd_images){
        .base.ops = &ops,
        .client = client,
        .architecture = sk_architecture_of(machine),
    };
    sk_image_cache_init(&images->cache);
}

void sk_ctd_images_fini(struct sk_ctd_images *images)
{
    sk_image_cache_fini(&images->cache);
}
