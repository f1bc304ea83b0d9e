#include "cli/client.h"
#include "cli/output.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include "sandkeep/node.pb-c.h"

#include <stdio.h>

static bool print_keys(const char *what, char *const *keys, size_t count)
{
    bool is_said = true;

    for (size_t i = 0; i < count && is_said; i++)
        is_said = sk_output_say(stdout, "%s %s", what, keys[i]);
    return is_said;
}

/* Returns the exit code. */
static int print(const Sandkeep__V1__ReloadResponse *answer)
{
    bool is_said = print_keys("changed", answer->changed, answer->n_changed) &&
                   print_keys("needs a restart:", answer->needs_restart, answer->n_needs_restart);

    if (!answer->n_changed && !answer->n_needs_restart)
        is_said = sk_output_say(stdout, "nothing changed");
    return is_said ? 0 : 1;
}

static enum sk_code reload(struct sk_client *client, struct sk_arena *arena, int *out_exit,
                           struct sk_fault *fault)
{
    Sandkeep__V1__ReloadRequest request;
    Sandkeep__V1__ReloadResponse *answer = NULL;

    sandkeep__v1__reload_request__init(&request);
    enum sk_code code = sk_client_call(client, "/sandkeep.v1.NodeService/Reload", &request.base,
                                       &sandkeep__v1__reload_response__descriptor, SK_FINISH, arena,
                                       (ProtobufCMessage **)&answer, fault);
    if (!code)
        *out_exit = print(answer);
    return code;
}

static int run_reload(const struct sk_args *args)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_client client;
    struct sk_fault fault = {.err = {0}};
    enum sk_code code = sk_client_open(&client, args->address, &fault.err);
    int exit_code = 1;

    if (!code)
        code = reload(&client, &arena, &exit_code, &fault);
    sk_client_close(&client);
    if (code)
        sk_fault_print_all(&fault);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_reload = {
    .name = "reload",
    .synopsis = "[OPTION]...",
    .summary = "Have the node read its configuration again: all of it is taken over, or nothing.",
    .options = options,
    .run = run_reload,
};
