#include "cli/image_output.h"
#include "cli/images.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_inspect(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__Image *image = NULL;
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (sk_client_images_get(&client, args->words.items[0], &arena, &image, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_image_output_one(image);
    sk_arena_fini(&arena);
    sk_client_close(&client);
    return exit_code;
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
