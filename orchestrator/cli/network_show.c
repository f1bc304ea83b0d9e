#include "cli/network_output.h"
#include "cli/networks.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__Network *network = NULL;
    enum sk_code code = sk_networks_get(client, args->words.items[0], arena, &network, fault);

    if (code == SK_OK)
        *out_exit = sk_network_output(network, args->json);
    return code;
}

static int run_show(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_network_show = {
    .name = "network show",
    .synopsis = "[OPTION]... ID",
    .summary = "Show a sandbox's network: addresses, rules, services, what passed and what did not.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .run = run_show,
};
