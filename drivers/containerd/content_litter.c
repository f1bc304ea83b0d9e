/* content_litter.c: what daemons that were killed left in containerd while they fetched images. */
#include "containerd/content.pb-c.h"
#include "containerd/images.pb-c.h"
#include "containerd/leases.pb-c.h"
#include "containerd/snapshots.pb-c.h"
#include "drivers/containerd/errand.h"

#include <string.h>

#define KIND_LEASE    "image lease"
#define KIND_WRITE    "image write"
#define KIND_SNAPSHOT "image snapshot"
#define KIND_NAME     "image name"

static bool is_ours(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* --- list --------------------------------------------------------------------------- */

static void ask_leases(struct sk_op *op, struct sk_done *done)
{
    Containerd__ListLeasesRequest request = CONTAINERD__LIST_LEASES_REQUEST__INIT;

    sk_errand_call(sk_errand_of(op), SK_CTD_LEASE_LIST, 0, SK_NS(0), &request.base, done);
}

static void take_leases(struct sk_errand *errand)
{
    const Containerd__ListLeasesResponse *found = (const Containerd__ListLeasesResponse *)errand->answer;

    for (size_t i = 0; i < found->n_leases; i++) {
        const char *id = found->leases[i]->id;
        if (is_ours(id, SK_CTD_OURS) && !sk_ctd_lease_is_held(errand->content, id))
            sk_litter_add(errand->out, KIND_LEASE, id, true);
    }
}

static void ask_writes(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__Empty request = CONTAINERD__EMPTY__INIT;

    take_leases(errand);
    sk_errand_call(errand, SK_CTD_CONTENT_WRITES, 0, SK_NS(0), &request.base, done);
}

static bool is_write_used(const struct sk_ctd_content *content, const char *ref)
{
    const struct sk_ctd_write *write = sk_ctd_write_find(content, ref);

    return write && (write->users || sk_ctd_lease_is_held(content, write->lease));
}

static void take_writes(struct sk_errand *errand)
{
    const Containerd__ListWritesResponse *found = (const Containerd__ListWritesResponse *)errand->answer;

    for (size_t i = 0; i < found->n_statuses; i++) {
        const char *ref = found->statuses[i]->ref;
        if (is_ours(ref, SK_CTD_OURS) && !is_write_used(errand->content, ref))
            sk_litter_add(errand->out, KIND_WRITE, ref, true);
    }
}

static bool is_unpacking(const struct sk_ctd_content *content, const char *key)
{
    sk_list_each(&content->unpacks, link) if (strcmp(sk_list_entry(link, struct sk_ctd_unpack_key, link)->key,
                                                     key) == 0) return true;
    return false;
}

static bool is_transferring(const struct sk_ctd_content *content, const char *name)
{
    sk_list_each(&content->transfers,
                 link) if (strcmp(sk_list_entry(link, struct sk_ctd_transfer_name, link)->name, name) ==
                           0) return true;
    return false;
}

static void ask_names(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__Empty request = CONTAINERD__EMPTY__INIT;

    take_writes(errand);
    sk_errand_call(errand, SK_CTD_IMAGE_LIST, 0, SK_NS(0), &request.base, done);
}

static void take_names(struct sk_errand *errand)
{
    const Containerd__ListImagesResponse *found = (const Containerd__ListImagesResponse *)errand->answer;

    for (size_t i = 0; i < found->n_images; i++) {
        const char *name = found->images[i]->name;
        if (is_ours(name, SK_CTD_OURS_TRANSFER) && !is_transferring(errand->content, name))
            sk_litter_add(errand->out, KIND_NAME, name, true);
    }
}

static enum sk_code take_snapshots(void *arg, const ProtobufCMessage *message, struct sk_err *err)
{
    struct sk_errand *errand = arg;
    const Containerd__ListSnapshotsResponse *page = (const Containerd__ListSnapshotsResponse *)message;

    (void)err;
    for (size_t i = 0; i < page->n_info; i++) {
        const char *key = page->info[i]->name;
        if (is_ours(key, SK_CTD_OURS_UNPACK) && !is_unpacking(errand->content, key))
            sk_litter_add(errand->out, KIND_SNAPSHOT, key, true);
    }
    return SK_OK;
}

static void ask_snapshots(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    struct sk_ctd_client *client = errand->content->client;
    Containerd__ListSnapshotsRequest request = CONTAINERD__LIST_SNAPSHOTS_REQUEST__INIT;

    take_names(errand);
    request.snapshotter = client->snapshotter;
    sk_ctd_gather(client, SK_CTD_SNAPSHOT_LIST, &request.base,
                  &(struct sk_ctd_gather){take_snapshots, errand}, done);
}

void sk_ctd_list_content_litter(struct sk_content *base, struct sk_litter_list *out, struct sk_done *done)
{
    static const struct sk_step steps[] = {{"leases", ask_leases, NULL},
                                           {"writes", ask_writes, NULL},
                                           {"names", ask_names, NULL},
                                           {"snapshots", ask_snapshots, NULL},
                                           {0}};

    *out = (struct sk_litter_list){0};
    sk_errand_start(sk_errand_new(base, NULL, NULL, out), "list_image_litter", steps, done);
}

/* --- remove ---------------------------------------------------------------------------- */

static void remove_snapshot(struct sk_ctd_client *client, const char *key, struct sk_done *done)
{
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = client->snapshotter;
    request.key = (char *)key;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){.method = SK_CTD_SNAPSHOT_REMOVE,
                                     .forgive = SK_FORGIVE(SK_NOT_FOUND),
                                     .can_cancel = true},
                &request.base, done);
}

void sk_ctd_remove_content_litter(struct sk_content *base, const struct sk_litter *litter,
                                  struct sk_done *done)
{
    struct sk_ctd_content *content = sk_ctd_content_of(base);

    /* Somebody may have begun to use it since it was listed. */
    if (sk_ctd_lease_is_held(content, litter->name) || is_write_used(content, litter->name))
        sk_done_later(content->client->loop, done, NULL);
    else if (strcmp(litter->kind, KIND_LEASE) == 0)
        sk_ctd_let_go_lease(base, litter->name, done);
    else if (strcmp(litter->kind, KIND_WRITE) == 0)
        sk_ctd_write_abort(content->client, litter->name, done);
    else if (strcmp(litter->kind, KIND_NAME) == 0)
        sk_ctd_remove_image(base, litter->name, done);
    else
        remove_snapshot(content->client, litter->name, done);
}
