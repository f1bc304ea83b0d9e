/* man.c: sandkeepd.json(5), from the schema (config.h). */
#include "base/roff.h"
#include "config/config.h"

#include <stdio.h>

static const char *const when_text[] = {
    [SK_WHEN_START] = "A new value needs a restart of the daemon.",
    [SK_WHEN_LIVE] = "A new value is taken over by a reload.",
    [SK_WHEN_SWAP] = "A new value is taken over by a reload; from nothing or to nothing needs a restart.",
};

static void write_key(struct sk_roff *roff, const struct sk_key *key)
{
    char wish[128];
    SK_AUTO_FREE char *text = sk_printf("%s\nGive %s. Default: %s. %s", key->help, sk_kind_wish(key, wish),
                                        key->fallback, when_text[key->when]);

    sk_roff_item(roff, key->name, text);
}

static void write_form(struct sk_roff *roff)
{
    sk_roff_heading(roff, "DESCRIPTION");
    sk_roff_text(roff,
                 "The configuration of sandkeepd(8) is one object in JSON, in UTF-8, where comments (// to "
                 "the end of a line, /* to */) may stand. Keys that are left out have their defaults; an "
                 "empty object is a whole configuration. Unknown keys are faults.");
    sk_roff_text(roff,
                 "After the file itself those files of the folder " SK_CONFIG_FOLDER
                 " beside it are read whose names end in \".json\" and do not begin with a dot, in the order "
                 "of the bytes of their names. What a later file says of a key replaces what earlier ones "
                 "said, lists and objects whole.");
    sk_roff_text(roff, "Amounts are texts like \"500m\" or \"2\" (cores) and \"512Mi\" or \"1Gi\" (bytes).");
    sk_roff_text(roff,
                 "sandkeepd --check-config tells every fault with its file, line and key, those of the files "
                 "that are named in it included. A running daemon reads all of it again at SIGHUP or "
                 "sandkeep reload: when there is a fault nothing changes.");
}

enum sk_code sk_config_print_man(struct sk_buf *out)
{
    struct sk_roff roff;
    size_t count;
    const struct sk_key *keys = sk_config_keys(&count);

    sk_roff_begin(&roff, out, "SANDKEEPD.JSON", 5, "sandkeepd.json", "configuration of sandkeepd");
    sk_roff_heading(&roff, "SYNOPSIS");
    sk_roff_usage(&roff, SK_CONFIG_PATH, "");
    sk_roff_usage(&roff, "/etc/sandkeep/" SK_CONFIG_FOLDER "/*.json", "");
    write_form(&roff);
    sk_roff_heading(&roff, "KEYS");
    for (size_t i = 0; i < count; i++)
        write_key(&roff, &keys[i]);
    sk_roff_heading(&roff, "EXAMPLE");
    sk_roff_sample(&roff, "// Reached by others, over TLS.\n"
                          "{\n"
                          "  \"listen\": [\"0.0.0.0:7463\"],\n"
                          "  \"tls_certificate\": \"/etc/sandkeep/tls.crt\",\n"
                          "  \"tls_key\": \"/etc/sandkeep/tls.key\",\n"
                          "  \"ceiling_memory\": \"8Gi\"\n"
                          "}");
    sk_roff_heading(&roff, "SEE ALSO");
    sk_roff_text(&roff, "sandkeepd(8), sandkeep(1)");
    return sk_roff_end(&roff);
}
