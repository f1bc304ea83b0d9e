#include "api/spec.h"
#include "api/container.h"
#include "api/file_mounts.h"
#include "api/marks.h"
#include "api/network.h"
#include "api/service.h"

#include <string.h>

#define TAG_LEN_MAX     256
#define RUNNERS_MAX     100
#define ANNOTATIONS_MAX 100
#define NAME_LEN_MAX    256

#define ANNOTATION SK_PB(SandboxSpec__AnnotationsEntry)

static int by_annotation(const void *a, const void *b)
{
    return strcmp((*(ANNOTATION *const *)a)->key, (*(ANNOTATION *const *)b)->key);
}

static size_t contents_of(const SK_PB(Sandbox) * sandbox)
{
    const SK_PB(SandboxSpec) *spec = sandbox->spec;
    return spec && spec->n_containers ? sk_file_mounts_size(spec->containers[0]) : 0;
}

bool sk_spec_fits(const SK_PB(Sandbox) * sandbox)
{
    size_t contents = contents_of(sandbox);
    return contents <= SK_FILE_MOUNTS_BYTES_MAX &&
           protobuf_c_message_get_packed_size(&sandbox->base) - contents <= SK_SPEC_BYTES_MAX;
}

void sk_spec_sort(SK_PB(Sandbox) * sandbox)
{
    SK_PB(SandboxSpec) *spec = sandbox->spec;
    if (!spec)
        return;
    if (spec->n_annotations)
        qsort(spec->annotations, spec->n_annotations, sizeof(ANNOTATION *), by_annotation);
    for (size_t i = 0; i < spec->n_containers; i++)
        sk_container_sort(spec->containers[i]);
}

static void check_unimplemented(const SK_PB(SandboxSpec) * spec, const struct sk_path *path,
                                struct sk_check *check)
{
    sk_check_unimplemented(check, path, "containers", spec->n_containers > 1);
    sk_check_unimplemented(check, path, "init_containers", spec->n_init_containers > 0);
    sk_check_unimplemented(check, path, "volumes", spec->n_volumes > 0);
    sk_check_unimplemented(check, path, "network_ids", spec->n_network_ids > 0);
    sk_check_unimplemented(check, path, "network_config_id", spec->network_config_id[0]);
    sk_check_unimplemented(check, path, "object_storage_access", spec->object_storage_access);
}

static void check_runners(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, const char *node_id,
                          struct sk_check *check)
{
    const struct sk_path *ids = SK_FIELD(path, "runner_ids");
    bool is_ours = false;
    if (!sk_check_count(check, ids, spec->n_runner_ids, RUNNERS_MAX))
        return;
    if (spec->mode != SK_PBE(SANDBOX_MODE, SANDBOX_MODE_CKS))
        sk_check_violated(check, ids, "need mode CKS");
    for (size_t i = 0; i < spec->n_runner_ids; i++) {
        const char *id = spec->runner_ids[i];
        is_ours |= strcmp(id, node_id) == 0;
        if (!id[strspn(id, " \t")])
            sk_check_violated(check, SK_ITEM(path, "runner_ids", i), "must not be blank");
        for (size_t j = 0; j < i; j++) {
            if (strcmp(id, spec->runner_ids[j]) == 0)
                sk_check_violated(check, SK_ITEM(path, "runner_ids", i), "is given twice");
        }
    }
    if (!is_ours)
        sk_check_refused(check, ids, SK_UNAVAILABLE, "RUNNER_UNAVAILABLE", "none of them is this one");
}

static void check_placement(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, const char *node_id,
                            struct sk_check *check)
{
    (void)sk_check_enum(check, SK_FIELD(path, "mode"), (int)spec->mode,
                        SK_PBE(SANDBOX_MODE, SANDBOX_MODE_CKS));
    if (spec->n_runner_ids)
        check_runners(spec, path, node_id, check);
    if (spec->runtime_class[0] && strcmp(spec->runtime_class, "<node-default>") != 0)
        sk_check_violated(check, SK_FIELD(path, "runtime_class"), "names no runtime class of this node");
    if (spec->instance_type[0])
        sk_check_violated(check, SK_FIELD(path, "instance_type"), "names no instance type of this node");
    const struct sk_path *chosen = SK_FIELD(path, "runtime_class_selection");
    if (sk_check_enum(check, chosen, (int)spec->runtime_class_selection,
                      SK_PBE(RUNTIME_CLASS, RUNTIME_CLASS_GPU_DEFAULT)) &&
        spec->runtime_class_selection > SK_PBE(RUNTIME_CLASS, RUNTIME_CLASS_CPU_DEFAULT))
        sk_check_refused(check, chosen, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                         "this node has no such runtime class");
}

static void check_tags(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, size_t most,
                       struct sk_check *check)
{
    if (!sk_check_count(check, SK_FIELD(path, "tags"), spec->n_tags, most))
        return;
    for (size_t i = 0; i < spec->n_tags; i++) {
        const struct sk_path *item = SK_ITEM(path, "tags", i);
        if (!spec->tags[i][0])
            sk_check_violated(check, item, "must not be empty");
        (void)sk_check_length(check, item, spec->tags[i], TAG_LEN_MAX);
    }
}

static void check_annotations(const SK_PB(SandboxSpec) * spec, const struct sk_path *path, size_t most,
                              struct sk_check *check)
{
    const struct sk_path *at = SK_FIELD(path, "annotations");
    (void)sk_check_count(check, at, spec->n_annotations, most);
    for (size_t i = 1; i < spec->n_annotations; i++) {
        if (strcmp(spec->annotations[i - 1]->key, spec->annotations[i]->key) == 0)
            sk_check_violated(check, at, "\"%.64s\" is given twice", spec->annotations[i]->key);
    }
}

static void decode_containers(const SK_PB(SandboxSpec) * spec, const struct sk_path *path,
                              const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                              struct sk_spec *out_spec, struct sk_check *check)
{
    if (!spec->n_containers) {
        sk_check_violated(check, SK_FIELD(path, "containers"), "there must be one");
        return;
    }
    SK_PB(Container) *main = spec->containers[0];
    if (!main->image[0])
        main->image = (char *)(node->box.image ? node->box.image : SK_DEFAULT_IMAGE);
    sk_container_decode(main, SK_ITEM(path, "containers", 0), node, tenant, arena, out_spec, check);
    if (spec->n_containers == 1 && spec->primary_container[0] &&
        strcmp(spec->primary_container, main->name) != 0)
        sk_check_violated(check, SK_FIELD(path, "primary_container"), "names no container");
}

static void decode_network(const SK_PB(SandboxSpec) * spec, const struct sk_path *path,
                           const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                           struct sk_spec *out_spec, struct sk_check *check)
{
    out_spec->network =
        sk_network_decode(spec->network, SK_FIELD(path, "network"), node, tenant, arena, check);
    sk_services_decode(spec, path, node, arena, out_spec->network, check);
}

/* What clients see again: the caller's words, not our reading of them. */
static void pack_echo(const SK_PB(Sandbox) * sandbox, struct sk_arena *arena, struct sk_spec *out_spec)
{
    SK_PB(Sandbox) echo;
    coreweave__sandbox__v1__sandbox__init(&echo);
    echo.spec = sandbox->spec;
    echo.display_name = sandbox->display_name;
    out_spec->echo = sk_pb_pack(arena, &echo.base, &out_spec->echo_len);
}

void sk_spec_decode(SK_PB(Sandbox) * sandbox, const struct sk_path *top, const struct sk_node_config *node,
                    const char *tenant, struct sk_arena *arena, struct sk_spec *out_spec,
                    struct sk_check *check)
{
    const struct sk_path *path = SK_FIELD(top, "spec");
    SK_PB(SandboxSpec) *spec = sandbox->spec;
    if (!spec) {
        sk_check_violated(check, path, "is required");
        return;
    }
    size_t most = sk_bound(node->box.max_files_bytes, SK_FILE_MOUNTS_BYTES_MAX);
    if (contents_of(sandbox) > most) {
        sk_check_violated(check, SK_FIELD(SK_ITEM(path, "containers", 0), "files"),
                          "must not hold more than %zu bytes together", most);
        return;
    }
    if (!sk_spec_fits(sandbox)) {
        sk_check_violated(check, path, "must not be larger than %zu bytes", SK_SPEC_BYTES_MAX);
        return;
    }
    (void)sk_check_length(check, SK_FIELD(top, "display_name"), sandbox->display_name, NAME_LEN_MAX);
    if (sandbox->control == SK_PBE(CONTROL, CONTROL_CONTAINER_ENGINE))
        sk_check_unimplemented(check, top, "control", true);
    (void)sk_check_range(check, SK_FIELD(path, "max_lifetime_seconds"), spec->max_lifetime_seconds, 0,
                         (int64_t)sk_bound((size_t)node->box.max_lifetime_seconds, SK_LIFETIME_MAX));
    check_tags(spec, path, sk_bound(node->box.max_tags, SK_TAGS_MAX), check);
    check_annotations(spec, path, sk_bound(node->box.max_annotations, ANNOTATIONS_MAX), check);
    check_placement(spec, path, node->node_id, check);
    decode_network(spec, path, node, tenant, arena, out_spec, check);
    decode_containers(spec, path, node, tenant, arena, out_spec, check);
    check_unimplemented(spec, path, check);
    out_spec->tags = sk_pb_strings(arena, spec->tags, spec->n_tags);
    out_spec->max_lifetime_seconds =
        spec->max_lifetime_seconds ? spec->max_lifetime_seconds : node->default_lifetime_seconds;
    if (!check->count && !check->refusal.code)
        pack_echo(sandbox, arena, out_spec);
}
