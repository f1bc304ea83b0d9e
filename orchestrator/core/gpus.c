#include "core/gpus.h"

#include "core/capacity.h"
#include "core/defaults.h"

#include <string.h>

void sk_gpus_init(struct sk_gpus *gpus, const struct sk_device *items, size_t len)
{
    *gpus = (struct sk_gpus){.items = items, .len = len < SK_GPUS_MAX ? len : SK_GPUS_MAX};
}

static bool is_free(const struct sk_gpus *gpus, size_t n, const char *type)
{
    return n < SK_GPUS_MAX && !gpus->taken[n] && (!*type || strcmp(gpus->items[n].type, type) == 0);
}

enum sk_code sk_gpus_assign(struct sk_gpus *gpus, struct sk_spec *spec, struct sk_arena *arena,
                            struct sk_err *err)
{
    size_t wanted = (size_t)spec->gpu_count, found = 0;

    if (!wanted)
        return SK_OK;
    for (size_t i = 0; i < gpus->len; i++)
        found += is_free(gpus, i, spec->gpu_type);
    if (found < wanted) {
        (void)sk_fail(err, SK_RESOURCE_EXHAUSTED,
                      "the node has not enough left: asked for %zu GPUs%s%.60s; free: %zu", wanted,
                      *spec->gpu_type ? " of type " : "", spec->gpu_type, found);
        (void)sk_err_reason(err, SK_REASON_CAPACITY);
        return SK_RESOURCE_EXHAUSTED;
    }
    spec->devices = sk_arena_alloc(arena, (wanted + 1) * sizeof(spec->devices[0]));
    for (size_t i = 0, given = 0; given < wanted; i++) {
        if (!is_free(gpus, i, spec->gpu_type))
            continue;
        gpus->taken[i] = true;
        spec->devices[given++] = sk_arena_strdup(arena, gpus->items[i].name);
    }
    return SK_OK;
}

/* gpus->len = there is none of that name. */
static size_t place_of(const struct sk_gpus *gpus, const char *name)
{
    for (size_t i = 0; i < gpus->len; i++)
        if (strcmp(gpus->items[i].name, name) == 0)
            return i;
    return gpus->len;
}

static void mark(struct sk_gpus *gpus, const struct sk_spec *spec, bool taken)
{
    for (const char **at = spec->devices; *at; at++) {
        size_t n = place_of(gpus, *at);
        if (n < gpus->len)
            gpus->taken[n] = taken;
    }
}

void sk_gpus_claim(struct sk_gpus *gpus, const struct sk_spec *spec)
{
    mark(gpus, spec, true);
}

void sk_gpus_release(struct sk_gpus *gpus, const struct sk_spec *spec)
{
    mark(gpus, spec, false);
}

enum sk_code sk_gpus_find(const struct sk_gpus *gpus, const struct sk_spec *spec, struct sk_arena *arena,
                          const struct sk_device *const **out_devices, struct sk_err *err)
{
    size_t count = sk_strings_count((const char *const *)spec->devices);
    const struct sk_device **out = sk_arena_alloc(arena, (count + 1) * sizeof(out[0]));

    for (size_t i = 0; i < count; i++) {
        size_t n = place_of(gpus, spec->devices[i]);
        if (n == gpus->len)
            return sk_fail(err, SK_FAILED_PRECONDITION, "device %.100s is no longer here", spec->devices[i]);
        out[i] = &gpus->items[n];
    }
    *out_devices = out;
    return SK_OK;
}

static size_t count_env(const struct sk_device_edits *edits)
{
    return edits ? sk_strings_count(edits->env) : 0;
}

static size_t add_env(struct sk_arena *arena, const struct sk_device_edits *edits, struct sk_env *out)
{
    size_t count = count_env(edits);

    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(edits->env[i], '=');
        out[i] = (struct sk_env){sk_arena_strndup(arena, edits->env[i], (size_t)(equals - edits->env[i])),
                                 equals + 1};
    }
    return count;
}

const char **sk_gpus_env(struct sk_arena *arena, const char *const *env,
                         const struct sk_device *const *devices)
{
    size_t most = 0, count = 0;

    for (const struct sk_device *const *at = devices; *at; at++)
        most += count_env((*at)->common) + count_env(&(*at)->edits);
    struct sk_env *added = sk_arena_alloc(arena, (most + 1) * sizeof(added[0]));
    for (const struct sk_device *const *at = devices; *at; at++) {
        count += add_env(arena, (*at)->common, added + count);
        count += add_env(arena, &(*at)->edits, added + count);
    }
    return sk_defaults_env(arena, env, added, count);
}
