/* network_ask.c: from options to what a sandbox's network is to let through. */
#include "base/file.h"
#include "cli/networks.h"
#include "cli/rules.h"

#define FILE_MAX ((size_t)256 * 1024)

/* Whoever says nothing of egress would open it. */
static enum sk_code check(const struct sk_args *args, struct sk_err *err)
{
    int said = args->deny_egress + args->allow_all + (args->egress.count > 0) + (args->file != NULL);

    if (!said)
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "what may it reach? --egress RULE, --deny-egress, --allow-all or --file FILE");
    if (said > 1)
        return sk_fail(err, SK_INVALID_ARGUMENT,
                       "what it may reach is said in ways that contradict each other");
    if (args->file && (args->ingress.count || args->dns))
        return sk_fail(err, SK_INVALID_ARGUMENT, "--file says all: neither --ingress nor --dns go with it");
    return SK_OK;
}

static enum sk_code read_file(const char *path, struct sk_arena *arena, sk_rules **out_rules,
                              struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    mode_t mode;
    enum sk_code code = sk_file_load(path, FILE_MAX, &text, &len, &mode, err);

    if (!code)
        code = sk_rules_read((const uint8_t *)text, len, arena, out_rules, err);
    return code ? sk_err_wrap(err, "%s", path) : SK_OK;
}

static enum sk_code gather(const struct sk_args *args, sk_rules *rules, struct sk_arena *arena,
                           struct sk_err *err)
{
    enum sk_code code = args->dns ? sk_rules_set_dns(rules, args->dns, err) : SK_OK;

    if (args->deny_egress)
        sk_rules_deny_egress(rules);
    for (size_t i = 0; i < args->egress.count && !code; i++)
        code = sk_rules_add_egress(rules, args->egress.items[i], arena, err);
    for (size_t i = 0; i < args->ingress.count && !code; i++)
        code = sk_rules_add_ingress(rules, args->ingress.items[i], arena, err);
    return code;
}

enum sk_code sk_networks_ask(const struct sk_args *args, struct sk_arena *arena, sk_rules **out_options,
                             struct sk_err *err)
{
    enum sk_code code = check(args, err);

    if (code)
        return code;
    if (args->file)
        return read_file(args->file, arena, out_options, err);
    sk_rules *rules = sk_rules_new(arena);
    code = gather(args, rules, arena, err);
    if (!code)
        *out_options = rules;
    return code;
}

enum sk_code sk_networks_ask_if_said(const struct sk_args *args, struct sk_arena *arena,
                                     sk_rules **out_options, struct sk_err *err)
{
    if (args->egress.count || args->deny_egress)
        return sk_networks_ask(args, arena, out_options, err);
    *out_options = NULL;
    return SK_OK;
}
