#include "cli/boxes.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    sk_shown *box = NULL;
    enum sk_code code = sk_boxes_get(client, args->words.items[0], arena, &box, fault);

    if (code == SK_OK)
        *out_exit = sk_output_box(box, args->json);
    return code;
}

static int run_get(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_get = {
    .name = "get",
    .synopsis = "[OPTION]... ID",
    .summary = "Show one sandbox.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .run = run_get,
};
