#include "api/runner.h"
#include "api/encode.h"
#include "core/health.h"

#include <string.h>

static bool has_text(char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return false;
}

static void encode_gpu_types(struct sk_arena *arena, const struct sk_node_config *config,
                             SK_PB(RunnerCapabilitySummary) * out)
{
    out->supported_gpu_types = sk_arena_alloc(arena, (config->gpu_count + 1) * sizeof(char *));
    for (size_t i = 0; i < config->gpu_count; i++) {
        const char *type = config->gpus[i].type;
        if (!has_text(out->supported_gpu_types, out->n_supported_gpu_types, type))
            out->supported_gpu_types[out->n_supported_gpu_types++] = (char *)(uintptr_t)type;
    }
}

static void encode_visibilities(struct sk_arena *arena, const struct sk_network_config *network,
                                SK_PB(RunnerCapabilitySummary) * out)
{
    out->supported_service_visibilities =
        sk_arena_alloc(arena, 3 * sizeof(out->supported_service_visibilities[0]));
    if (network->first_port)
        out->supported_service_visibilities[out->n_supported_service_visibilities++] =
            SK_PBE(VISIBILITY, VISIBILITY_PUBLIC);
    out->supported_service_visibilities[out->n_supported_service_visibilities++] =
        SK_PBE(VISIBILITY, VISIBILITY_PRIVATE);
    out->supported_service_visibilities[out->n_supported_service_visibilities++] =
        SK_PBE(VISIBILITY, VISIBILITY_CUSTOM);
}

static SK_PB(RunnerCapabilitySummary) *
    encode_capabilities(struct sk_arena *arena, const struct sk_node *node)
{
    const struct sk_node_config *config = sk_node_config(node);
    const struct sk_capacity *capacity = sk_node_capacity(node);
    SK_PB(RunnerCapabilitySummary) *out = SK_PB_NEW(arena, runner_capability_summary);
    out->max_cpu_millicores = capacity->total.cpu_millis;
    out->max_memory_bytes = capacity->total.memory_bytes;
    out->max_gpu_count = capacity->total.gpus;
    out->supported_architectures = sk_arena_alloc(arena, sizeof(char *));
    out->supported_architectures[out->n_supported_architectures++] = (char *)(uintptr_t)config->architecture;
    encode_gpu_types(arena, config, out);
    encode_visibilities(arena, &config->network, out);
    return out;
}

static SK_PB(RunnerResourceSummary) * encode_resources(struct sk_arena *arena, const struct sk_node *node)
{
    const struct sk_capacity *capacity = sk_node_capacity(node);
    struct sk_amount rest = sk_capacity_free(capacity);
    SK_PB(RunnerResourceSummary) *out = SK_PB_NEW(arena, runner_resource_summary);
    out->available_cpu_millicores = rest.cpu_millis;
    out->available_memory_bytes = rest.memory_bytes;
    out->available_gpu_count = rest.gpus;
    out->running_sandboxes = (int32_t)capacity->charges;
    return out;
}

SK_PB(AvailableRunner) * sk_encode_runner(struct sk_arena *arena, const struct sk_node *node, bool full)
{
    const struct sk_node_config *config = sk_node_config(node);
    SK_PB(AvailableRunner) *out = SK_PB_NEW(arena, available_runner);
    out->runner_id = sk_arena_strdup(arena, config->node_id);
    out->runner_group_id = sk_arena_strdup(arena, config->runner_group);
    out->organization_id = sk_arena_strdup(arena, config->organization);
    out->healthy = sk_node_health(node) == 0;
    out->connected_at = sk_encode_time(arena, sk_node_began(node));
    out->capabilities = encode_capabilities(arena, node);
    if (full)
        out->resources = encode_resources(arena, node);
    return out;
}

static bool serves(const SK_PB(RunnerCapabilitySummary) * can, SK_PB(Visibility) visibility)
{
    for (size_t i = 0; i < can->n_supported_service_visibilities; i++) {
        if (can->supported_service_visibilities[i] == visibility)
            return true;
    }
    return visibility == SK_PBE(VISIBILITY, VISIBILITY_UNSPECIFIED);
}

bool sk_runner_matches(const SK_PB(AvailableRunner) * runner,
                       const SK_PB(ListAvailableRunnersRequest) * request)
{
    const SK_PB(RunnerCapabilitySummary) *can = runner->capabilities;
    return (!request->runner_group_id[0] || strcmp(request->runner_group_id, runner->runner_group_id) == 0) &&
           (!request->gpu_type[0] ||
            has_text(can->supported_gpu_types, can->n_supported_gpu_types, request->gpu_type)) &&
           (!request->architecture[0] ||
            has_text(can->supported_architectures, can->n_supported_architectures, request->architecture)) &&
           (!request->healthy_only || runner->healthy) && serves(can, request->service_visibility);
}
