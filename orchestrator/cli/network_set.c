#include "cli/network_output.h"
#include "cli/networks.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int set(struct sk_client *client, const struct sk_args *args,
               Coreweave__Sandbox__V1__NetworkOptions *rules)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__Network *network = NULL;

    if (sk_networks_set(client, args->words.items[0], rules, &arena, &network, &fault)) {
        sk_fault_print(&fault);
        return 1;
    }
    return sk_network_output(network, args->json);
}

static int run_set(const struct sk_args *args)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Coreweave__Sandbox__V1__NetworkOptions *rules = NULL;
    struct sk_client client;
    struct sk_err err = {0};

    if (sk_networks_ask(args, &arena, &rules, &err)) {
        sk_fault_print_err(&err);
        return 2;
    }
    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    int exit_code = set(&client, args, rules);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    {"egress", 0, SK_OPTION_WORDS, offsetof(struct sk_args, egress), "RULE", "it may reach that"},
    {"deny-egress", 0, SK_OPTION_FLAG, offsetof(struct sk_args, deny_egress), NULL, "it reaches nothing"},
    {"allow-all", 0, SK_OPTION_FLAG, offsetof(struct sk_args, allow_all), NULL,
     "it reaches what sandboxes reach of which nothing is said"},
    {"ingress", 0, SK_OPTION_WORDS, offsetof(struct sk_args, ingress), "RULE",
     "its CUSTOM ports can be reached from there"},
    {"dns", 0, SK_OPTION_TEXT, offsetof(struct sk_args, dns), "allow|deny",
     "whether names can be looked up; default: as far as the rules need it"},
    {"file", 0, SK_OPTION_TEXT, offsetof(struct sk_args, file), "FILE", "all of this, as JSON"},
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_network_set = {
    .name = "network set",
    .synopsis = "[OPTION]... ID",
    .summary = "Put other rules in force, in the place of all there were, and show them.",
    .notes =
        "Rules allow; what none of them allows is denied:\n"
        "  any                                        every address that is not the platform's\n"
        "  tenant                                     the tenant's other sandboxes\n"
        "  cidr:10.0.0.0/8,except=10.1.0.0/16         a block of addresses, but for some\n"
        "  host:*.example.com,except=x.example.com    HTTPS to a name (egress only)\n"
        "and but for host: with ports, if not all: \"any,tcp=443,udp=53-60,sctp=all\".\n"
        "FILE: {\"egress\": [RULE...], \"ingress\": [RULE...], \"dns\": \"allow\"}, as \"rules\" in\n"
        "\"network show --json\"; \"egress\": [] is --deny-egress, \"egress\": \"default\" is --allow-all.\n"
        "Connections that are not allowed any more are cut at once.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .run = run_set,
};
