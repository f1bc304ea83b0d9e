#include "cli/image_output.h"
#include "cli/images.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__Image *image = NULL;
    enum sk_code code = sk_client_images_get(client, args->words.items[0], arena, &image, fault);

    if (code == SK_OK)
        *out_exit = sk_image_output_one(image);
    return code;
}

static int run_inspect(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_image_inspect = {
    .name = "image inspect",
    .synopsis = "[OPTION]... NAME",
    .summary = "Show one image, and what it wants processes to be, as JSON.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .missing = "which image?",
    .run = run_inspect,
};
