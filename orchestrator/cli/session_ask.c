/* session_ask.c: from options to what a session is to be. Pure. */
#include "cli/sessions.h"

#include <string.h>

typedef Sandkeep__V1__SandboxDefaults__EnvironmentVariablesEntry variable;

static enum sk_code set_env(Sandkeep__V1__SandboxDefaults *defaults, const struct sk_words *env,
                            struct sk_arena *arena, struct sk_err *err)
{
    defaults->environment_variables = sk_arena_alloc(arena, (env->count + 1) * sizeof(variable *));
    for (size_t i = 0; i < env->count; i++) {
        variable *entry = sk_arena_alloc(arena, sizeof(*entry));
        const char *equals = strchr(env->items[i], '=');
        if (!equals || equals == env->items[i])
            return sk_fail(err, SK_INVALID_ARGUMENT, "--env %s: want NAME=VALUE", env->items[i]);
        sandkeep__v1__sandbox_defaults__environment_variables_entry__init(entry);
        entry->key = sk_arena_strndup(arena, env->items[i], (size_t)(equals - env->items[i]));
        entry->value = (char *)equals + 1;
        defaults->environment_variables[defaults->n_environment_variables++] = entry;
    }
    return SK_OK;
}

static void set_resources(Sandkeep__V1__SandboxDefaults *defaults, const struct sk_args *args,
                          struct sk_arena *arena)
{
    Coreweave__Sandbox__V1__Resources *amounts = sk_arena_alloc(arena, sizeof(*amounts));
    Coreweave__Sandbox__V1__ResourceRequirements *both = sk_arena_alloc(arena, sizeof(*both));

    if (!args->cpu && !args->memory)
        return;
    coreweave__sandbox__v1__resources__init(amounts);
    coreweave__sandbox__v1__resource_requirements__init(both);
    if (args->cpu)
        amounts->cpu = (char *)args->cpu;
    if (args->memory)
        amounts->memory = (char *)args->memory;
    both->requests = both->limits = amounts;
    defaults->resources = both;
}

static int32_t number(int64_t given)
{
    return given < 0 ? 0 : (int32_t)given;
}

enum sk_code sk_sessions_ask(const struct sk_args *args, struct sk_arena *arena,
                             Sandkeep__V1__OpenSessionRequest *out_request, struct sk_err *err)
{
    Sandkeep__V1__SandboxDefaults *defaults = sk_arena_alloc(arena, sizeof(*defaults));

    sandkeep__v1__open_session_request__init(out_request);
    sandkeep__v1__sandbox_defaults__init(defaults);
    if (args->image)
        defaults->container_image = (char *)args->image;
    defaults->tags = args->tags.items;
    defaults->n_tags = args->tags.count;
    defaults->max_lifetime_seconds = number(args->timeout);
    defaults->idle_timeout_seconds = number(args->idle_timeout);
    defaults->max_sandboxes = number(args->max_sandboxes);
    set_resources(defaults, args, arena);
    out_request->defaults = defaults;
    out_request->lease_seconds = number(args->lease);
    if (args->name)
        out_request->display_name = (char *)args->name;
    return set_env(defaults, &args->env, arena, err);
}
