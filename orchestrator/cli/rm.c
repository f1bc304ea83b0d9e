#include "cli/ending.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code remove_one(struct sk_client *client, const struct sk_args *args, const char *id,
                               struct sk_fault *fault)
{
    return sk_box_end(client, id, 0, args->force, fault);
}

static int run_rm(const struct sk_args *args)
{
    return sk_end_each(args, remove_one);
}

static const struct sk_option options[] = {
    {"force", 'f', SK_OPTION_FLAG, offsetof(struct sk_args, force), NULL, "one that is not there is fine"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_rm = {
    .name = "rm",
    .synopsis = "[OPTION]... ID...",
    .summary = "Kill sandboxes at once. Prints the ids of those that are gone.",
    .options = options,
    .words_min = 1,
    .words_max = SIZE_MAX,
    .run = run_rm,
};
