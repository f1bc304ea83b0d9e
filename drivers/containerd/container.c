/* container.c: a sandbox's container: the record that holds its runtime spec. */
#include "containerd/containers.pb-c.h"
#include "containerd/runc.pb-c.h"
#include "drivers/containerd/runtime.h"

#include <string.h>

#define SPEC_TYPE "types.containerd.io/opencontainers/runtime-spec/1/Spec"

uint8_t *sk_ctd_runc_options(const struct sk_ctd_runtime *rt, size_t *out_len)
{
    Containerd__RuncOptions options = CONTAINERD__RUNC_OPTIONS__INIT;
    *out_len = 0;
    if (!*rt->runtime || strcmp(rt->runtime_type, "io.containerd.runc.v2") != 0)
        return NULL;
    options.binary_name = rt->runtime;
    uint8_t *bytes = sk_alloc(containerd__runc_options__get_packed_size(&options));
    *out_len = containerd__runc_options__pack(&options, bytes);
    return bytes;
}

static void send(struct sk_ctd_runtime *rt, const struct sk_box *box, char *group, Containerd__Any *spec,
                 struct sk_done *done)
{
    Containerd__Label label = CONTAINERD__LABEL__INIT, *labels[] = {&label};
    Containerd__Any options = CONTAINERD__ANY__INIT;
    Containerd__ContainerRuntime runtime = CONTAINERD__CONTAINER_RUNTIME__INIT;
    Containerd__Container container = CONTAINERD__CONTAINER__INIT;
    Containerd__ContainerMessage request = CONTAINERD__CONTAINER_MESSAGE__INIT;
    SK_AUTO_FREE uint8_t *bytes = sk_ctd_runc_options(rt, &options.value.len);
    options.type_url = SK_CTD_RUNC_OPTIONS_TYPE;
    options.value.data = bytes;
    runtime.name = rt->runtime_type;
    runtime.options = bytes ? &options : NULL;
    label.key = SK_LABEL_GROUP;
    label.value = group;
    container.n_labels = *group ? 1 : 0;
    container.labels = labels;
    container.id = (char *)box->id;
    container.image = (char *)box->image_name;
    container.runtime = &runtime;
    container.spec = spec;
    container.snapshotter = rt->client->snapshotter;
    container.snapshot_key = (char *)box->id;
    request.container = &container;
    sk_ctd_call(
        rt->client,
        &(struct sk_ctd_ask){.method = SK_CTD_CONTAINER_CREATE, .forgive = SK_FORGIVE(SK_ALREADY_EXISTS)},
        &request.base, done);
}

void sk_ctd_create_container(struct sk_runtime *base, const struct sk_box *box, struct sk_done *done)
{
    struct sk_ctd_runtime *rt = sk_ctd_runtime_of(base);
    char group[SK_SHIM_GROUP_MAX];
    SK_AUTO_FREE char *text = NULL;
    Containerd__Any spec = CONTAINERD__ANY__INIT;
    struct sk_err err;
    sk_shims_join(&rt->shims, box->id, group);
    if (sk_spec_make(box, &rt->host, group, &text, &spec.value.len, &err) != SK_OK) {
        sk_done_later(rt->client->loop, done, &err);
        return;
    }
    spec.type_url = SPEC_TYPE;
    spec.value.data = (uint8_t *)text;
    send(rt, box, group, &spec, done);
}

void sk_ctd_delete_container(struct sk_runtime *base, const char *id, struct sk_done *done)
{
    struct sk_ctd_runtime *rt = sk_ctd_runtime_of(base);
    Containerd__DeleteContainerRequest request = CONTAINERD__DELETE_CONTAINER_REQUEST__INIT;
    request.id = (char *)id;
    sk_shims_leave(&rt->shims, id);
    sk_ctd_call(rt->client,
                &(struct sk_ctd_ask){.method = SK_CTD_CONTAINER_DELETE, .forgive = SK_FORGIVE(SK_NOT_FOUND)},
                &request.base, done);
}
