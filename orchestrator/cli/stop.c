#include "cli/ending.h"
#include "cli/target.h"
#include "cli/verbs.h"

#define GRACE_DEFAULT_S 10

static int run_stop(const struct sk_args *args)
{
    int64_t grace = args->grace < 0 ? GRACE_DEFAULT_S : args->grace;
    return sk_boxes_end(args, (int32_t)grace);
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
