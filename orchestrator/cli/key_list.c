#include "cli/keys.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__ListKeysRequest request = SANDKEEP__V1__LIST_KEYS_REQUEST__INIT;
    Sandkeep__V1__ListKeysResponse *list = NULL;

    request.tenant = (char *)(args->tenant ? args->tenant : "");
    request.show_revoked = args->all;
    enum sk_code code = sk_client_keys_list(client, &request, arena, &list, fault);
    if (code == SK_OK)
        *out_exit = sk_keys_output(list->keys, list->n_keys, args->json);
    return code;
}

static int run_list(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    {"tenant", 0, SK_OPTION_TEXT, offsetof(struct sk_args, tenant), "NAME", "of this one alone"},
    {"all", 'a', SK_OPTION_FLAG, offsetof(struct sk_args, all), NULL, "those that were revoked, too"},
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_key_list = {
    .name = "key list",
    .synopsis = "[OPTION]...",
    .summary = "List API keys: whose they are, and when they were last used, to the hour.",
    .options = options,
    .run = run_list,
};
