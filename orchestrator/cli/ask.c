#include "cli/ask.h"

#include <string.h>

Coreweave__Sandbox__V1__ResourceRequirements *sk_ask_resources(const struct sk_args *args,
                                                               struct sk_arena *arena)
{
    if (!args->cpu && !args->memory)
        return NULL;
    Coreweave__Sandbox__V1__Resources *amounts = sk_arena_alloc(arena, sizeof(*amounts));
    Coreweave__Sandbox__V1__ResourceRequirements *both = sk_arena_alloc(arena, sizeof(*both));
    coreweave__sandbox__v1__resources__init(amounts);
    coreweave__sandbox__v1__resource_requirements__init(both);
    if (args->cpu)
        amounts->cpu = (char *)args->cpu;
    if (args->memory)
        amounts->memory = (char *)args->memory;
    both->requests = both->limits = amounts;
    return both;
}

enum sk_code sk_ask_variable(const char *text, struct sk_arena *arena, char **out_name, char **out_value,
                             struct sk_err *err)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return sk_fail(err, SK_INVALID_ARGUMENT, "--env %s: want NAME=VALUE", text);
    *out_name = sk_arena_strndup(arena, text, (size_t)(equals - text));
    *out_value = (char *)equals + 1;
    return SK_OK;
}
