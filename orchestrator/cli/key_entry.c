/* key_entry.c: `sandkeep key entry`: a key for several nodes. No node is asked. */
#include "base/tenant.h"
#include "cli/fault.h"
#include "cli/json_put.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "identity/secret.h"

#include <stdio.h>
#include <string.h>

struct made {
    struct sk_secret secret;
    char id[SK_KEY_ID_LEN + 1];
    char sha256[SK_DIGEST_TEXT_LEN + 1];
    const char *tenant, *name;
    bool is_admin;
};

static enum sk_code make(const struct sk_args *args, struct made *out, struct sk_err *err)
{
    uint8_t digest[SK_DIGEST_LEN];

    *out = (struct made){.tenant = args->tenant ? args->tenant : SK_TENANT_DEFAULT,
                         .name = args->name ? args->name : "",
                         .is_admin = args->admin};
    if (!sk_tenant_is_valid(out->tenant))
        return sk_fail(err, SK_INVALID_ARGUMENT, "--tenant: " SK_TENANT_FAULT, out->tenant);
    if (!sk_key_name_is_valid(out->name))
        return sk_fail(err, SK_INVALID_ARGUMENT, "--name: give up to %d printable bytes", SK_KEY_NAME_MAX);
    out->secret = sk_secret_make();
    (void)sk_secret_id(out->secret.text, out->id);
    sk_sha256(out->secret.text, SK_SECRET_LEN, digest);
    sk_digest_text(digest, out->sha256);
    return SK_OK;
}

static void put_shared_keys(yajl_gen gen, const struct made *made)
{
    sk_json_put_text(gen, "shared_keys");
    (void)yajl_gen_map_open(gen);
    sk_json_put_text(gen, made->id);
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "sha256", made->sha256);
    sk_json_put_key_text(gen, "tenant", made->tenant);
    if (*made->name)
        sk_json_put_key_text(gen, "name", made->name);
    if (made->is_admin) {
        sk_json_put_text(gen, "admin");
        (void)yajl_gen_bool(gen, true);
    }
    (void)yajl_gen_map_close(gen);
    (void)yajl_gen_map_close(gen);
}

static void put_file(yajl_gen gen, const void *what)
{
    (void)yajl_gen_map_open(gen);
    put_shared_keys(gen, what);
    (void)yajl_gen_map_close(gen);
}

static void put_both(yajl_gen gen, const void *what)
{
    const struct made *made = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "secret", made->secret.text);
    put_shared_keys(gen, made);
    (void)yajl_gen_map_close(gen);
}

static enum sk_code print(const struct made *made, bool json, struct sk_buf *out, struct sk_err *err)
{
    enum sk_code code = SK_OK;

    if (json)
        return sk_json_write(put_both, made, out, err);
    if ((code = sk_buf_printf(out, "%s\n", made->secret.text)) == SK_OK)
        code = sk_json_write(put_file, made, out, err);
    return code;
}

static int run_entry(const struct sk_args *args)
{
    struct made made;
    struct sk_buf out;
    struct sk_err err = {0};

    if (make(args, &made, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    sk_output_begin(&out);
    int failed = sk_output_end(print(&made, args->json, &out, &err), &out, &err);
    explicit_bzero(&made.secret, sizeof(made.secret));
    if (!failed && !args->json)
        (void)fprintf(stderr,
                      "The first line is the key, which is never shown again. The rest belongs into the\n"
                      "configuration of every node that is to know it; then reload them.\n");
    return failed;
}

static const struct sk_option options[] = {
    SK_OPTION_KEY_TENANT, SK_OPTION_KEY_NAME, SK_OPTION_KEY_ADMIN, SK_OPTION_JSON, SK_OPTION_HELP, {0},
};

const struct sk_verb sk_verb_key_entry = {
    .name = "key entry",
    .synopsis = "[OPTION]...",
    .summary = "Make an API key for several nodes: its text, and what their configurations say.",
    .notes =
        "No node is asked. Bring what is printed below the key (its digest alone) to each node's "
        "configuration,\n"
        "as a file of conf.d or into one that has shared_keys, and reload. Taken out there it is revoked.",
    .options = options,
    .run = run_entry,
};
