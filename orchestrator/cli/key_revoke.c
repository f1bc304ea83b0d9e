#include "cli/ending.h"
#include "cli/keys.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code revoke_one(struct sk_client *client, const struct sk_args *args, const char *id,
                               struct sk_fault *fault)
{
    (void)args;
    return sk_client_key_revoke(client, id, fault);
}

static int run_revoke(const struct sk_args *args)
{
    return sk_end_each(args, revoke_one);
}

static const struct sk_option options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_key_revoke = {
    .name = "key revoke",
    .synopsis = "[OPTION]... ID...",
    .summary = "Revoke API keys, at once and for ever. What is under way with them is cut.",
    .notes = "The sandboxes of whoever had the key live on: they are the tenant's.",
    .options = options,
    .words_min = 1,
    .words_max = SIZE_MAX,
    .missing = "which key?",
    .run = run_revoke,
};
