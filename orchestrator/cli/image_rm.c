#include "cli/ending.h"
#include "cli/images.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code remove_one(struct sk_client *client, const struct sk_args *args, const char *name,
                               struct sk_fault *fault)
{
    enum sk_code code = sk_client_images_remove(client, name, fault);

    return code == SK_NOT_FOUND && args->force ? SK_OK : code;
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

const struct sk_verb sk_verb_image_rm = {
    .name = "image rm",
    .synopsis = "[OPTION]... NAME...",
    .summary = "Remove images that no sandbox uses. Prints the names of those that are gone.",
    .options = options,
    .words_min = 1,
    .words_max = SIZE_MAX,
    .missing = "which image?",
    .run = run_rm,
};
