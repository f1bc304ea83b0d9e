#include "cli/process.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_sh(const struct sk_args *args)
{
    const struct sk_words *command = args->command.count ? &args->command : &sk_process_shell;
    struct sk_client client;
    struct sk_err err;

    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    int exit_code = sk_process_run(&client, args->words.items[0], command, sk_process_shell_streams());
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_sh = {
    .name = "sh",
    .synopsis = "[OPTION]... ID [-- COMMAND...]",
    .summary = "A shell in a sandbox, or another command, joined to this terminal.",
    .notes =
        "The shell is /bin/bash if the sandbox has it, else /bin/sh. When standard input is no terminal\n"
        "the shell reads its commands from it: sandkeep sh ID < script\n"
        "Exit codes: the command's; 125 when it could not be run; 128 + n after signal n.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .command = SK_COMMAND_OPTIONAL,
    .run = run_sh,
};
