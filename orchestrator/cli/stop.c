#include "cli/ending.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code stop_one(struct sk_client *client, const struct sk_args *args, const char *id,
                             struct sk_fault *fault)
{
    return sk_box_end(client, id, (int32_t)sk_args_grace(args), false, fault);
}

static int run_stop(const struct sk_args *args)
{
    return sk_end_each(args, stop_one);
}

static const struct sk_option options[] = {
    SK_OPTION_GRACE,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_stop = {
    .name = "stop",
    .synopsis = "[OPTION]... ID...",
    .summary = "Ask sandboxes to end, and wait until they have. Prints the ids of those that did.",
    .options = options,
    .words_min = 1,
    .words_max = SIZE_MAX,
    .run = run_stop,
};
