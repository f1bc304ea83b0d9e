#include "cli/network_output.h"
#include "cli/networks.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_show(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__Network *network = NULL;
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (sk_networks_get(&client, args->words.items[0], &arena, &network, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_network_output(network, args->json);
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

const struct sk_verb sk_verb_network_show = {
    .name = "network show",
    .synopsis = "[OPTION]... ID",
    .summary = "Show a sandbox's network: addresses, rules, services, what passed and what did not.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .run = run_show,
};
