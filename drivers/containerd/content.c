#include "drivers/containerd/content.h"

#include "containerd/content.pb-c.h"
#include "containerd/leases.pb-c.h"
#include "drivers/containerd/errand.h"

#include <assert.h>
#include <string.h>

struct sk_ctd_content *sk_ctd_content_of(struct sk_content *base)
{
    return sk_container_of(base, struct sk_ctd_content, base);
}

void sk_ctd_content_judge(struct sk_err *err)
{
    if (strstr(err->text, "no space left on device") || strstr(err->text, "disk quota exceeded"))
        (void)sk_fail(err, SK_RESOURCE_EXHAUSTED, "the disk that images lie on is full");
}

/* --- blobs that are there ------------------------------------------------------------ */

/* Before the look, so that what is found is not collected between the two. */
static void lease_blob(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__LeaseResource resource = CONTAINERD__LEASE_RESOURCE__INIT;
    Containerd__AddLeaseResourceRequest request = CONTAINERD__ADD_LEASE_RESOURCE_REQUEST__INIT;

    if (!errand->lease) {
        sk_errand_step_ends(errand, NULL, done);
        return;
    }
    resource.id = (char *)errand->key;
    resource.type = "content";
    request.id = (char *)errand->lease;
    request.resource = &resource;
    sk_errand_call(errand, SK_CTD_LEASE_ADD, 0, SK_NS(0), &request.base, done);
}

static void look_at_blob(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__BlobInfoRequest request = CONTAINERD__BLOB_INFO_REQUEST__INIT;

    request.digest = (char *)errand->key;
    sk_errand_call(errand, SK_CTD_CONTENT_INFO, SK_FORGIVE(SK_NOT_FOUND), SK_NS(0), &request.base, done);
}

static void tell_size(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    const Containerd__BlobInfoResponse *found = (const Containerd__BlobInfoResponse *)errand->answer;
    bool is_there = errand->said.code == SK_OK && found->info && found->info->size >= 0;

    *(int64_t *)errand->out = is_there ? found->info->size : -1;
    sk_errand_step_ends(errand, NULL, done);
}

static void find_blob(struct sk_content *base, const char *lease, const char *digest, int64_t *out_size,
                      struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"lease", lease_blob, NULL}, {"look", look_at_blob, NULL}, {"tell", tell_size, NULL}, {0}};

    sk_errand_start(sk_errand_new(base, lease, digest, out_size), "find_blob", steps, done);
}

static enum sk_code take_bytes(void *arg, const ProtobufCMessage *message, struct sk_err *err)
{
    const Containerd__ReadContentResponse *chunk = (const Containerd__ReadContentResponse *)message;

    if (sk_buf_append(arg, chunk->data.data, chunk->data.len) == SK_OK)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "the blob is too long");
}

static void read_blob(struct sk_content *base, const char *digest, struct sk_buf *out, struct sk_done *done)
{
    Containerd__ReadContentRequest request = CONTAINERD__READ_CONTENT_REQUEST__INIT;

    request.digest = (char *)digest;
    sk_ctd_gather(sk_ctd_content_of(base)->client, SK_CTD_CONTENT_READ, &request.base,
                  &(struct sk_ctd_gather){take_bytes, out}, done);
}

/* --- what a blob keeps ----------------------------------------------------------------- */

/* The first snapshot of a blob has the label that containerd's other clients set and look for. */
static Containerd__Label *label_of(const struct sk_ctd_client *client, struct sk_arena *arena,
                                   const struct sk_content_ref *ref, bool is_first_snapshot)
{
    Containerd__Label *label = sk_arena_alloc(arena, sizeof(*label));

    containerd__label__init(label);
    if (ref->is_snapshot)
        label->key = sk_arena_printf(arena, "containerd.io/gc.ref.snapshot.%s%s%s", client->snapshotter,
                                     is_first_snapshot ? "" : "/", is_first_snapshot ? "" : ref->name);
    else
        label->key = sk_arena_printf(arena, "containerd.io/gc.ref.content.%s", ref->name);
    label->value = (char *)ref->target;
    return label;
}

static void set_refs(struct sk_content *base, const char *lease, const char *digest,
                     const struct sk_content_ref *refs, size_t count, struct sk_done *done)
{
    struct sk_ctd_client *client = sk_ctd_content_of(base)->client;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Containerd__UpdateBlobRequest request = CONTAINERD__UPDATE_BLOB_REQUEST__INIT;
    Containerd__BlobInfo info = CONTAINERD__BLOB_INFO__INIT;
    Containerd__FieldMask mask = CONTAINERD__FIELD_MASK__INIT;
    char *paths[] = {"labels"};

    info.digest = (char *)digest;
    info.labels = sk_arena_alloc(&arena, (count + 1) * sizeof(*info.labels));
    for (size_t i = 0, snapshots = 0; i < count; i++) {
        snapshots += refs[i].is_snapshot;
        info.labels[info.n_labels++] = label_of(client, &arena, &refs[i], snapshots == 1);
    }
    mask.paths = paths;
    mask.n_paths = 1;
    request.info = &info;
    request.update_mask = &mask;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){.method = SK_CTD_CONTENT_UPDATE, .lease = lease, .can_cancel = true},
                &request.base, done);
}

/* --- as a whole --------------------------------------------------------------------------- */

static const struct sk_content_ops ops = {
    .hold = sk_ctd_hold_lease,
    .let_go = sk_ctd_let_go_lease,
    .find_blob = find_blob,
    .read_blob = read_blob,
    .open_blob = sk_ctd_open_blob,
    .write = sk_ctd_write_blob,
    .commit = sk_ctd_commit_blob,
    .close = sk_ctd_close_blob,
    .set_refs = set_refs,
    .find_image = sk_ctd_find_image,
    .list_images = sk_ctd_list_images,
    .put_image = sk_ctd_put_image,
    .touch_image = sk_ctd_touch_image,
    .remove_image = sk_ctd_remove_image,
    .find_snapshot = sk_ctd_find_snapshot,
    .unpack = sk_ctd_unpack,
    .unpack_ahead = sk_ctd_unpack_ahead,
    .drop_ahead = sk_ctd_drop_ahead,
    .measure = sk_ctd_measure,
    .transfer = sk_ctd_transfer,
    .disk = sk_ctd_disk,
    .list_litter = sk_ctd_list_content_litter,
    .remove_litter = sk_ctd_remove_content_litter,
};

void sk_ctd_content_init(struct sk_ctd_content *content, struct sk_ctd_client *client)
{
    *content = (struct sk_ctd_content){.base.ops = &ops, .client = client};
    sk_list_init(&content->leases);
    sk_list_init(&content->writes);
    sk_list_init(&content->unpacks);
    sk_list_init(&content->transfers);
}

void sk_ctd_content_fini(struct sk_ctd_content *content)
{
    assert(sk_list_is_empty(&content->unpacks) && sk_list_is_empty(&content->transfers));
    sk_list_each(&content->leases, link) sk_ctd_lease_forget(sk_list_entry(link, struct sk_ctd_lease, link));
    sk_list_each(&content->writes, link)
    {
        struct sk_ctd_write *write = sk_list_entry(link, struct sk_ctd_write, link);
        assert(!write->users);
        sk_ctd_write_forget(write);
    }
}
