#include "cli/ending.h"
#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code close_one(struct sk_client *client, const struct sk_args *args, const char *id,
                              struct sk_fault *fault)
{
    return sk_sessions_close(client, id, sk_args_grace(args), fault);
}

static int run_close(const struct sk_args *args)
{
    return sk_end_each(args, close_one);
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
