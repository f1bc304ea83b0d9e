#include "cli/images.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

static bool is_fine(enum sk_code code, const struct sk_args *args)
{
    return !code || (code == SK_NOT_FOUND && args->force);
}

static int run_rm(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_fault fault = {0};
    int exit_code = 0;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    for (size_t i = 0; i < args->words.count && !client.signo; i++) {
        if (is_fine(sk_client_images_remove(&client, args->words.items[i], &fault), args)) {
            (void)puts(args->words.items[i]);
        } else {
            sk_fault_print(&fault);
            exit_code = 1;
        }
    }
    if (client.signo)
        exit_code = 128 + client.signo;
    sk_client_close(&client);
    return exit_code;
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
