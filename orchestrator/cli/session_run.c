#include "cli/child.h"
#include "cli/lease.h"
#include "cli/process.h"
#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

/* The child talks to the server that we talk to. */
static int run_child(struct sk_client *client, const char *session_id, const struct sk_args *args)
{
    SK_AUTO_FREE char *session = sk_printf(SK_SESSION_VARIABLE "=%s", session_id);
    SK_AUTO_FREE char *server = args->address ? sk_printf("CWSANDBOX_BASE_URL=%s", args->address) : NULL;
    const char *const variables[] = {session, server, NULL};

    return sk_child_run(client, &args->command, variables);
}

/* Held until it is closed, so that no lease runs out in between. */
static int hold_and_run(struct sk_client *client, const char *session_id, const struct sk_args *args)
{
    struct sk_lease lease;
    struct sk_fault fault = {0};

    if (client->signo)
        return 128 + client->signo;
    sk_lease_open(&lease, client, session_id);
    int exit_code = run_child(client, session_id, args);
    lease.closing = true;
    if (!lease.over && sk_sessions_close(client, session_id, sk_args_grace(args), &fault))
        sk_fault_print(&fault);
    sk_lease_close(&lease);
    return exit_code;
}

static int open_and_run(struct sk_client *client, Sandkeep__V1__OpenSessionRequest *request,
                        const struct sk_args *args)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__Session *session = NULL;
    struct sk_fault fault = {0};

    if (sk_sessions_open(client, request, &arena, &session, &fault)) {
        sk_fault_print(&fault);
        return SK_EXIT_OWN_FAILURE;
    }
    return hold_and_run(client, session->session_id, args);
}

static int run_run(const struct sk_args *args)
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
        return SK_EXIT_OWN_FAILURE;
    }
    int exit_code = open_and_run(&client, &request, args);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_SESSION_OPTIONS, SK_OPTION_GRACE, SK_OPTION_ADDRESS, SK_OPTION_HELP, {0},
};

const struct sk_verb sk_verb_session_run = {
    .name = "session run",
    .synopsis = "[OPTION]... [--] COMMAND...",
    .summary = "Run a command of this machine within a new session, close the session when it ends.",
    .notes =
        "The command finds the session's id in $" SK_SESSION_VARIABLE
        ", as \"sandkeep run\" does. Signals are passed on to it.\n"
        "Killed itself, this program lets go of the session, which is closed when its lease has run out.\n"
        "Exit codes: the command's; 127 when there is no such program, 126 when it cannot be run;\n"
        "125 when there is no session; 128 + n when signal n ended the command.",
    .options = options,
    .command = SK_COMMAND_NEEDED,
    .run = run_run,
};
