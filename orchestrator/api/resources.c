#include "api/resources.h"
#include "base/quantity.h"

#include <string.h>

#define QUANTITY_LEN_MAX 64
#define MEMORY_LEAST     (INT64_C(4) * 1024 * 1024) /* below this no container starts */

static const char *cpu_text(struct sk_arena *arena, int64_t millis)
{
    char text[SK_QUANTITY_TEXT];
    sk_quantity_print_millis(millis, text);
    return sk_arena_strdup(arena, text);
}

static const char *memory_text(struct sk_arena *arena, int64_t bytes)
{
    char text[SK_QUANTITY_TEXT];
    sk_quantity_print_bytes(bytes, text);
    return sk_arena_strdup(arena, text);
}

static const char *first_of(const char *a, const char *b, const char *otherwise)
{
    if (a && a[0])
        return a;
    return b && b[0] ? b : otherwise;
}

/* One side of the effective form: `own` where it says something, else `other`, else the amounts. */
static SK_PB(Resources) * merged(struct sk_arena *arena, const SK_PB(Resources) * own,
                                 const SK_PB(Resources) * other, int64_t cpu_millis, int64_t memory_bytes)
{
    SK_PB(Resources) *out = SK_PB_NEW(arena, resources);
    out->cpu =
        (char *)first_of(own ? own->cpu : NULL, other ? other->cpu : NULL, cpu_text(arena, cpu_millis));
    out->memory = (char *)first_of(own ? own->memory : NULL, other ? other->memory : NULL,
                                   memory_text(arena, memory_bytes));
    out->gpu = own && own->gpu ? own->gpu : other ? other->gpu : NULL;
    return out;
}

SK_PB(ResourceRequirements) * sk_resources_effective(struct sk_arena *arena,
                                                     const SK_PB(Container) * container,
                                                     const struct sk_unsaid *unsaid)
{
    const SK_PB(ResourceRequirements) *asked = container->resource_requirements;
    const SK_PB(Resources) *requests = asked ? asked->requests : container->resources;
    const SK_PB(Resources) *limits = asked ? asked->limits : container->resources;
    SK_PB(ResourceRequirements) *out = SK_PB_NEW(arena, resource_requirements);
    out->requests =
        merged(arena, requests, limits, unsaid->requests.cpu_millis, unsaid->requests.memory_bytes);
    out->limits = merged(arena, limits, requests, unsaid->limits.cpu_millis, unsaid->limits.memory_bytes);
    return out;
}

static size_t count_gpus(const struct sk_node_config *node, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < node->gpu_count; i++)
        count += !*type || strcmp(node->gpus[i].type, type) == 0;
    return count;
}

static const char *gpu_type(const SK_PB(Gpu) * gpu)
{
    return gpu->selector_case == SK_PBE(GPU, SELECTOR_TYPE) ? gpu->type : "";
}

/* One side of what is asked for; false when it cannot be had here. */
static bool check_gpu(const SK_PB(Resources) * asked, const struct sk_path *path,
                      const struct sk_node_config *node, struct sk_check *check)
{
    if (!asked || !asked->gpu || !asked->gpu->count)
        return true;
    const struct sk_path *gpu = SK_FIELD(path, "gpu");
    const char *type = gpu_type(asked->gpu);
    if (asked->gpu->count < 0)
        sk_check_violated(check, SK_FIELD(gpu, "count"), "must not be negative");
    else if (!node->gpu_count)
        sk_check_refused(check, gpu, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "there is no GPU here");
    else if (asked->gpu->selector_case == SK_PBE(GPU, SELECTOR_MEMORY_GB) && asked->gpu->memory_gb)
        sk_check_refused(check, gpu, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                         "how much memory GPUs have is not known here: give their type");
    else if ((uint64_t)asked->gpu->count > count_gpus(node, type))
        sk_check_refused(check, gpu, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                         "there are %zu GPUs%s%.64s here", count_gpus(node, type), *type ? " of type " : "",
                         type);
    else
        return true;
    return false;
}

/* Requests count; a side that says nothing is as the other. */
static void decode_gpus(const SK_PB(Resources) * requests, const SK_PB(Resources) * limits,
                        const struct sk_path *path, const struct sk_node_config *node, struct sk_arena *arena,
                        struct sk_spec *out_spec, struct sk_check *check)
{
    const struct sk_path *at = SK_FIELD(path, "requests");
    bool fits = check_gpu(requests, at, node, check);
    fits &= check_gpu(limits, SK_FIELD(path, "limits"), node, check);
    const SK_PB(Gpu) *asked = requests && requests->gpu ? requests->gpu : limits ? limits->gpu : NULL;
    if (!fits || !asked)
        return;
    if (limits && limits->gpu && asked->count > limits->gpu->count)
        sk_check_violated(check, SK_FIELD(SK_FIELD(at, "gpu"), "count"), "must not be more than the limit");
    out_spec->gpu_count = asked->count;
    out_spec->gpu_type = sk_arena_strdup(arena, gpu_type(asked));
}

/* One amount; 0 when it is not a usable one. */
static int64_t amount(const char *text, int64_t scale, const struct sk_path *path, struct sk_check *check)
{
    int64_t value = 0;
    if (!sk_check_length(check, path, text, QUANTITY_LEN_MAX))
        return 0;
    enum sk_code code = sk_quantity_parse(text, scale, &value);
    if (code == SK_OUT_OF_RANGE)
        sk_check_violated(check, path, "\"%s\" is too much", text);
    else if (code)
        sk_check_violated(check, path, "\"%s\" is not a quantity", text);
    else if (value == 0)
        sk_check_violated(check, path, "must be more than zero");
    return code ? 0 : value;
}

struct kind {
    const char *name;
    const char *(*text)(struct sk_arena *arena, int64_t amount);
    int64_t scale, least, ceiling;
};

/* One kind of resource, both sides. */
static void decode_kind(const struct kind *kind, const struct sk_path *path, const char *request_text,
                        const char *limit_text, int64_t *out_request, int64_t *out_limit,
                        struct sk_check *check)
{
    const struct sk_path *request_path = SK_FIELD(SK_FIELD(path, "requests"), kind->name);
    const struct sk_path *limit_path = SK_FIELD(SK_FIELD(path, "limits"), kind->name);
    int64_t limit = amount(limit_text, kind->scale, limit_path, check);
    /* A text that stands on both sides is judged once. */
    int64_t request = strcmp(request_text, limit_text) == 0
                          ? limit
                          : amount(request_text, kind->scale, request_path, check);
    if (limit && limit < kind->least)
        sk_check_violated(check, limit_path, "must be at least %lld", (long long)kind->least);
    if (limit && request > limit)
        sk_check_violated(check, request_path, "must not be more than the limit");
    if (limit > kind->ceiling) {
        sk_check_violated(check, limit_path, "\"%s\" is more than the %s that one sandbox may have here",
                          limit_text, kind->text(check->arena, kind->ceiling));
        check->reason = "RESOURCE_CEILING_EXCEEDED";
    }
    *out_request = request;
    *out_limit = limit;
}

/* 0 = none of its own. */
static int64_t smaller_given(int64_t request, int64_t limit)
{
    return request && request < limit ? request : limit;
}

void sk_resources_decode(const SK_PB(Container) * container, const struct sk_path *path,
                         const struct sk_node_config *node, struct sk_arena *arena, struct sk_spec *out_spec,
                         struct sk_check *check)
{
    const SK_PB(ResourceRequirements) *asked = container->resource_requirements;
    const struct sk_path *at = SK_FIELD(path, "resource_requirements");
    if (asked && container->resources)
        sk_check_violated(check, at, "must not be given together with resources");
    decode_gpus(asked ? asked->requests : container->resources, asked ? asked->limits : container->resources,
                at, node, arena, out_spec, check);

    const struct kind cpu = {"cpu", cpu_text, 1000, 1, node->ceiling_cpu_millis};
    const struct kind memory = {"memory", memory_text, 1, MEMORY_LEAST, node->ceiling_memory_bytes};
    const struct sk_unsaid defaults = {
        .requests = {smaller_given(node->default_cpu_request_millis, node->default_cpu_millis),
                     smaller_given(node->default_memory_request_bytes, node->default_memory_bytes)},
        .limits = {node->default_cpu_millis, node->default_memory_bytes},
    };
    SK_PB(ResourceRequirements) *all = sk_resources_effective(check->arena, container, &defaults);
    decode_kind(&cpu, at, all->requests->cpu, all->limits->cpu, &out_spec->cpu_request_millis,
                &out_spec->cpu_limit_millis, check);
    decode_kind(&memory, at, all->requests->memory, all->limits->memory, &out_spec->memory_request_bytes,
                &out_spec->memory_limit_bytes, check);
}
