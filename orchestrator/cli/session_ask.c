/* session_ask.c: from options to what a session is to be. Pure. */
#include "cli/ask.h"
#include "cli/sessions.h"

typedef Sandkeep__V1__SandboxDefaults__EnvironmentVariablesEntry variable;

static enum sk_code set_env(Sandkeep__V1__SandboxDefaults *defaults, const struct sk_words *env,
                            struct sk_arena *arena, struct sk_err *err)
{
    defaults->environment_variables = sk_arena_alloc(arena, (env->count + 1) * sizeof(variable *));
    for (size_t i = 0; i < env->count; i++) {
        variable *entry = sk_arena_alloc(arena, sizeof(*entry));
        sandkeep__v1__sandbox_defaults__environment_variables_entry__init(entry);
        enum sk_code code = sk_ask_variable(env->items[i], arena, &entry->key, &entry->value, err);
        if (code)
            return code;
        defaults->environment_variables[defaults->n_environment_variables++] = entry;
    }
    return SK_OK;
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
    defaults->resources = sk_ask_resources(args, arena);
    out_request->defaults = defaults;
    out_request->lease_seconds = number(args->lease);
    if (args->name)
        out_request->display_name = (char *)args->name;
    return set_env(defaults, &args->env, arena, err);
}
