#include "cli/session_output.h"
#include "cli/sessions.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__Session *session = NULL;
    enum sk_code code = sk_sessions_get(client, args->words.items[0], arena, &session, fault);

    if (code == SK_OK)
        *out_exit = sk_session_output_one(session, args->json);
    return code;
}

static int run_show(const struct sk_args *args)
{
    return sk_show(args, show);
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
