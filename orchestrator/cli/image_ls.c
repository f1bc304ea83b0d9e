#include "cli/image_output.h"
#include "cli/images.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__ListImagesResponse *list = NULL;
    enum sk_code code = sk_client_images_list(client, arena, &list, fault);

    if (code == SK_OK)
        *out_exit = sk_image_output_list(list->images, list->n_images, args->json);
    return code;
}

static int run_ls(const struct sk_args *args)
{
    return sk_show(args, show);
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
