#include "cli/man.h"

#include "base/roff.h"
#include "cli/target.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *term, *text;
} environment[] =
    {
        {"CWSANDBOX_BASE_URL",
         "The server, where --address does not say. Without both the daemon of this machine is asked, by "
         "its admin socket if that may be opened, else at " SK_TARGET_DEFAULT "."},
        {"CWSANDBOX_API_KEY", "The API key."},
        {"SANDKEEP_SESSION", "The session that sandboxes are made in: set for programs under session run."},
},
  codes[] = {
      {"0", "All went well. run, exec and sh: the command's own exit code."},
      {"1", "Something failed."},
      {"2", "Wrong use."},
      {"125", "run, exec: the command could not be run."},
      {"128 + n", "Ended by signal n."},
};

static void write_option(struct sk_roff *roff, const struct sk_option *o)
{
    char letter[] = {'-', o->letter, ',', ' ', '\0'};
    SK_AUTO_FREE char *term = sk_printf("%s--%s%s%s", o->letter ? letter : "", o->name, o->metavar ? " " : "",
                                        o->metavar ? o->metavar : "");

    sk_roff_item(roff, term, o->help);
}

static void write_verb(struct sk_roff *roff, const struct sk_verb *verb)
{
    SK_AUTO_FREE char *name = sk_printf("sandkeep %s", verb->name);

    sk_roff_subheading(roff, verb->name);
    sk_roff_usage(roff, name, verb->synopsis);
    sk_roff_text(roff, verb->summary);
    for (const struct sk_option *o = verb->options; o->name; o++)
        if (o->help && strcmp(o->name, "help") != 0 && strcmp(o->name, "address") != 0)
            write_option(roff, o);
    if (verb->notes)
        sk_roff_sample(roff, verb->notes);
}

#define WRITE_ITEMS(roff, heading, items)                                                                    \
    do {                                                                                                     \
        sk_roff_heading((roff), (heading));                                                                  \
        for (size_t i = 0; i < sk_array_len(items); i++)                                                     \
            sk_roff_item((roff), (items)[i].term, (items)[i].text);                                          \
    } while (0)

enum sk_code sk_verbs_print_man(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    struct sk_roff roff;

    sk_roff_begin(&roff, out, "SANDKEEP", 1, "sandkeep", "sandboxes from the command line");
    sk_roff_heading(&roff, "SYNOPSIS");
    sk_roff_usage(&roff, "sandkeep", "VERB [OPTION]...");
    sk_roff_heading(&roff, "DESCRIPTION");
    sk_roff_text(
        &roff,
        "sandkeep makes, uses and ends sandboxes, and runs the node that they live on, over the same API "
        "as the SDKs. Every verb has --help, and nearly all have --address URL: the server, where the "
        "environment does not say.");
    sk_roff_heading(&roff, "VERBS");
    for (; *verbs; verbs++)
        write_verb(&roff, *verbs);
    WRITE_ITEMS(&roff, "ENVIRONMENT", environment);
    WRITE_ITEMS(&roff, "EXIT STATUS", codes);
    sk_roff_heading(&roff, "SEE ALSO");
    sk_roff_text(&roff, "sandkeepd(8), sandkeepd.json(5)");
    return sk_roff_end(&roff);
}
