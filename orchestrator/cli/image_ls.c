#include "cli/image_output.h"
#include "cli/images.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_ls(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__ListImagesResponse *list = NULL;
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (sk_client_images_list(&client, &arena, &list, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_image_output_list(list->images, list->n_images, args->json);
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

const struct sk_verb sk_verb_image_ls = {
    .name = "image ls",
    .synopsis = "[OPTION]...",
    .summary = "List the images on the node.",
    .notes =
        "SIZE is what an image takes unpacked; layers that images share count in each.\n"
        "MARKS: in-use: a sandbox is made of it; pinned: it is never collected; private: it was fetched\n"
        "with a login of its own, and others must show the registry theirs.",
    .options = options,
    .run = run_ls,
};
