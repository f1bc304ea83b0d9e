#include "cli/session_output.h"
#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_show(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__Session *session = NULL;
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (sk_sessions_get(&client, args->words.items[0], &arena, &session, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_session_output_one(session, args->json);
    sk_arena_fini(&arena);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_session_show = {
    .name = "session show",
    .synopsis = "[OPTION]... ID",
    .summary = "Show one session.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .missing = "which session?",
    .run = run_show,
};
