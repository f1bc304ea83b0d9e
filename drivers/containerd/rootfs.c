/* rootfs.c: a sandbox's root file system, as an active snapshot. */
#include "containerd/snapshots.pb-c.h"
#include "drivers/containerd/runtime.h"

void sk_ctd_prepare_rootfs(struct sk_runtime *base, const struct sk_box *box, struct sk_done *done)
{
    struct sk_ctd_client *client = sk_ctd_runtime_of(base)->client;
    Containerd__Label gc_root = CONTAINERD__LABEL__INIT, sandbox = CONTAINERD__LABEL__INIT;
    Containerd__PrepareSnapshotRequest request = CONTAINERD__PREPARE_SNAPSHOT_REQUEST__INIT;
    Containerd__Label *labels[] = {&gc_root, &sandbox};
    gc_root.key =
        SK_LABEL_GC_ROOT; /* from the first moment, or the collector wins a race with Containers.Create */
    gc_root.value = "sandkeep";
    sandbox.key = SK_LABEL_SANDBOX;
    sandbox.value = (char *)box->id;
    request.snapshotter = client->snapshotter;
    request.key = (char *)box->id;
    request.parent = (char *)box->snapshot_parent;
    request.n_labels = sk_array_len(labels);
    request.labels = labels;
    sk_ctd_call(
        client,
        &(struct sk_ctd_ask){.method = SK_CTD_SNAPSHOT_PREPARE, .forgive = SK_FORGIVE(SK_ALREADY_EXISTS)},
        &request.base, done);
}

void sk_ctd_remove_rootfs(struct sk_runtime *base, const char *id, struct sk_done *done)
{
    struct sk_ctd_client *client = sk_ctd_runtime_of(base)->client;
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;
    request.snapshotter = client->snapshotter;
    request.key = (char *)id;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){.method = SK_CTD_SNAPSHOT_REMOVE, .forgive = SK_FORGIVE(SK_NOT_FOUND)},
                &request.base, done);
}
