#include "cli/output.h"
#include "cli/session_output.h"
#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

static int open_one(struct sk_client *client, Sandkeep__V1__OpenSessionRequest *request, bool json)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__Session *session = NULL;
    struct sk_fault fault = {0};

    if (sk_sessions_open(client, request, &arena, &session, &fault)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (json)
        return sk_session_output_one(session, true);
    return sk_output_say(stdout, "%s", session->session_id) ? 0 : 1;
}

static int run_open(const struct sk_args *args)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__OpenSessionRequest request;
    struct sk_client client;
    struct sk_err err;

    if (sk_sessions_ask(args, &arena, &request, &err)) {
        sk_fault_print_err(&err);
        return 2;
    }
    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    int exit_code = open_one(&client, &request, args->json);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_SESSION_OPTIONS, SK_OPTION_JSON, SK_OPTION_ADDRESS, SK_OPTION_HELP, {0},
};

const struct sk_verb sk_verb_session_open = {
    .name = "session open",
    .synopsis = "[OPTION]...",
    .summary = "Open a session and print its id. Its sandboxes end with it.",
    .notes = "It is closed when its lease has run out: \"sandkeep session run\" holds one as long as it is "
             "needed.",
    .options = options,
    .run = run_open,
};
