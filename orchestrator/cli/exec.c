#include "cli/process.h"
#include "cli/target.h"
#include "cli/verbs.h"

static int run_exec(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_err err;

    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    int exit_code = sk_process_run(&client, args->words.items[0], &args->command, sk_process_streams(args));
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_INTERACTIVE, SK_OPTION_TERMINAL, SK_OPTION_NO_STDIN, SK_OPTION_ADDRESS, SK_OPTION_HELP, {0},
};

const struct sk_verb sk_verb_exec = {
    .name = "exec",
    .synopsis = "[OPTION]... ID [--] COMMAND...",
    .summary = "Run a command in a sandbox that runs already, and exit with its code.",
    .notes = "With -it the command has a terminal of its own, joined to this one: every key goes there,\n"
             "^C included. Exit codes: the command's; 125 when it could not be run; 128 + n after signal n.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .command = SK_COMMAND_NEEDED,
    .run = run_exec,
};
