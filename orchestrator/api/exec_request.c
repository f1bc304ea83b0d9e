#include "api/exec_request.h"

#include <string.h>

static size_t bytes_of(const struct sk_exec_ask *ask)
{
    size_t total = 0;
    for (size_t i = 0; i < ask->command_count; i++)
        total += strlen(ask->command[i]) + 1;
    for (size_t i = 0; i < ask->env_count; i++)
        total += strlen(ask->env[i].name) + strlen(ask->env[i].value) + 2;
    return total;
}

static void check_ask(const struct sk_exec_ask *ask, struct sk_check *check)
{
    const struct sk_path *command = SK_FIELD(ask->prefix, "command");
    if (!ask->command_count)
        sk_check_violated(check, command, "must not be empty");
    if (bytes_of(ask) > SK_EXEC_BYTES_MAX)
        sk_check_violated(check, command, "and env must not be larger than %zu bytes", SK_EXEC_BYTES_MAX);
    for (size_t i = 0; i < ask->env_count; i++)
        (void)sk_check_env_name(check, SK_FIELD(ask->prefix, "env"), ask->env[i].name);
}

static const char *const *argv_of(struct sk_arena *arena, const struct sk_exec_ask *ask)
{
    const char **argv = sk_arena_alloc(arena, (ask->command_count + 1) * sizeof(argv[0]));
    for (size_t i = 0; i < ask->command_count; i++)
        argv[i] = ask->command[i];
    return argv;
}

bool sk_exec_ask_take(struct sk_call *call, const struct sk_exec_ask *ask, struct sk_sandbox **out_sandbox,
                      struct sk_exec_request *out_request)
{
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    struct sk_err err = {0};
    check_ask(ask, check);
    if (check->count) {
        sk_call_fail_check(call, check);
        return false;
    }
    if (sk_call_find(call, ask->sandbox_id, out_sandbox, &err) ||
        sk_call_check_container(call, *out_sandbox, ask->container, &err)) {
        sk_call_fail(call, &err);
        return false;
    }
    out_request->argv = argv_of(call->arena, ask);
    out_request->env = ask->env;
    out_request->env_count = ask->env_count;
    return true;
}

void sk_exec_fail_cancelled(struct sk_call *call)
{
    struct sk_err err = {0};
    if (sk_call_cancel_code(call) == SK_DEADLINE_EXCEEDED) {
        (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "the command did not end in time and was killed");
        (void)sk_err_reason(&err, "COMMAND_TIMEOUT");
    } else {
        (void)sk_fail(&err, SK_CANCELLED, "the client went away; the command was killed");
    }
    sk_call_fail(call, &err);
}
