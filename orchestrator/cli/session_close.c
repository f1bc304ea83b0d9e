#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

static int run_close(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_fault fault = {0};
    int exit_code = 0;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    for (size_t i = 0; i < args->words.count && !client.signo; i++) {
        if (sk_sessions_close(&client, args->words.items[i], sk_sessions_grace(args), &fault)) {
            sk_fault_print(&fault);
            exit_code = 1;
        } else {
            (void)puts(args->words.items[i]);
        }
    }
    if (client.signo)
        exit_code = 128 + client.signo;
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_GRACE,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_session_close = {
    .name = "session close",
    .synopsis = "[OPTION]... ID...",
    .summary =
        "Close sessions and wait until their sandboxes have ended. Prints the ids of those that are closed.",
    .options = options,
    .words_min = 1,
    .words_max = SIZE_MAX,
    .missing = "which session?",
    .run = run_close,
};
