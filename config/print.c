/* print.c: the commented sample, from the schema (config.h). */
#include "config/config.h"

#include <string.h>

static enum sk_code print_help(struct sk_buf *out, const char *help)
{
    for (;;) {
        size_t len = strcspn(help, "\n");
        enum sk_code code = sk_buf_printf(out, "  // %.*s\n", (int)len, help);
        if (code != SK_OK || !help[len])
            return code;
        help += len + 1;
    }
}

static enum sk_code print_key(struct sk_buf *out, const struct sk_key *key, bool last)
{
    char wish[128];
    enum sk_code code = print_help(out, key->help);

    if (code == SK_OK)
        code = sk_buf_printf(out, "  // (%s%s)\n", sk_kind_wish(key, wish),
                             key->when == SK_WHEN_START  ? "; needs a restart"
                             : key->when == SK_WHEN_SWAP ? "; from nothing or to nothing needs a restart"
                                                         : "");
    if (code == SK_OK)
        code = sk_buf_printf(out, "  \"%s\": %s%s\n", key->name, key->fallback, last ? "" : ",\n");
    return code;
}

enum sk_code sk_config_print(struct sk_buf *out)
{
    size_t count;
    const struct sk_key *keys = sk_config_keys(&count);
    enum sk_code code = sk_buf_printf(
        out, "// Configuration of sandkeepd: every key at its default. What is left out keeps it.\n{\n");

    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = print_key(out, &keys[i], i + 1 == count);
    return code == SK_OK ? sk_buf_printf(out, "}\n") : code;
}
