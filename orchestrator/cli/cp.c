#include "cli/copy.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <locale.h>

int sk_copy_failed(const struct sk_client *client, const struct sk_fault *fault)
{
    if (client->signo)
        return 128 + client->signo;
    sk_fault_print(fault);
    return 1;
}

void sk_copy_skipped(bool *skipped, const char *name, const char *why)
{
    struct sk_err err;

    *skipped = true;
    (void)sk_fail(&err, SK_FAILED_PRECONDITION, "left out %s: %s", name ? name : "(not text)", why);
    sk_fault_print_err(&err);
}

static enum sk_code check(const struct sk_place *from, const struct sk_place *to, struct sk_err *err)
{
    bool out = from->kind == SK_PLACE_SANDBOX, in = to->kind == SK_PLACE_SANDBOX;

    if (out && in)
        return sk_fail(err, SK_INVALID_ARGUMENT, "cp: one side must be here, not in a sandbox");
    if (!out && !in)
        return sk_fail(err, SK_INVALID_ARGUMENT, "cp: one side must be ID:PATH, in a sandbox");
    return SK_OK;
}

static int copy(const struct sk_place *from, const struct sk_place *to, const struct sk_args *args)
{
    struct sk_client client;
    struct sk_err err;

    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    int exit_code =
        to->kind == SK_PLACE_SANDBOX ? sk_copy_in(&client, from, to) : sk_copy_out(&client, from, to);
    sk_client_close(&client);
    return exit_code;
}

static int run_cp(const struct sk_args *args)
{
    SK_CLEANUP(sk_place_fini) struct sk_place from = {0};
    SK_CLEANUP(sk_place_fini) struct sk_place to = {0};
    struct sk_err err;

    /* Archives name their files in UTF-8; libarchive cannot without a locale that has it. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    enum sk_code code = sk_place_parse(args->words.items[0], &from, &err);
    if (!code)
        code = sk_place_parse(args->words.items[1], &to, &err);
    if (!code)
        code = check(&from, &to, &err);
    if (code) {
        sk_fault_print_err(&err);
        return 2;
    }
    return copy(&from, &to, args);
}

static const struct sk_option options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_cp = {
    .name = "cp",
    .synopsis = "[OPTION]... SOURCE ID:PATH | ID:PATH TARGET",
    .summary = "Copy a file or a folder into a sandbox, or out of one.",
    .notes =
        "SOURCE and TARGET are local; a name with a colon is written ./a:b. An existing folder as the "
        "target\n"
        "takes the copy in under its own name; SOURCE/. means the content of a folder. \"-\" is standard\n"
        "input or output: the bytes of a file, or, from a sandbox's folder, a tar archive.\n"
        "\n"
        "A file appears whole or not at all. Modes are kept (less the umask when copying out), owners are\n"
        "not: a copy belongs to whoever makes it. Folders need tar in the sandbox, files above 32 MiB a\n"
        "shell and cat. What a sandbox sends is never written outside the target.\n"
        "Exit codes: 0; 1 when it failed or something was left out; 128 + n after signal n.",
    .options = options,
    .words_min = 2,
    .words_max = 2,
    .missing = "copy what where? Want SOURCE ID:PATH or ID:PATH TARGET",
    .run = run_cp,
};
