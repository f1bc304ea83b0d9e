#include "cli/keys.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

static enum sk_code make(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__CreateKeyRequest request = SANDKEEP__V1__CREATE_KEY_REQUEST__INIT;
    Sandkeep__V1__CreateKeyResponse *made = NULL;

    request.tenant = (char *)(args->tenant ? args->tenant : "");
    request.name = (char *)(args->name ? args->name : "");
    request.admin = args->admin;
    enum sk_code code = sk_client_key_create(client, &request, arena, &made, fault);
    if (code)
        return code;
    if (!made->secret[0])
        return sk_fail(&fault->err, SK_INTERNAL, "the server did not say the key");
    *out_exit = sk_output_say(stdout, "%s", made->secret) ? 0 : 1;
    if (made->key)
        (void)sk_output_say(stderr, "Key %.12s of tenant %.63s%s. Its text is never shown again.",
                            made->key->key_id, made->key->tenant, made->key->admin ? ", an admin's" : "");
    return SK_OK;
}

static int run_create(const struct sk_args *args)
{
    return sk_show(args, make);
}

static const struct sk_option options[] = {
    SK_OPTION_KEY_TENANT, SK_OPTION_KEY_NAME, SK_OPTION_KEY_ADMIN, SK_OPTION_ADDRESS, SK_OPTION_HELP, {0},
};

const struct sk_verb sk_verb_key_create = {
    .name = "key create",
    .synopsis = "[OPTION]...",
    .summary = "Make an API key and print its text, this once.",
    .notes =
        "Clients send it as $CWSANDBOX_API_KEY. The node keeps a digest alone: a lost key is revoked, and\n"
        "another one made. For admins: as root on the node itself, or with an admin's key.",
    .options = options,
    .run = run_create,
};
