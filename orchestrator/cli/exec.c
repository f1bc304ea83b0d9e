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
    int exit_code = sk_process_run(&client, args->words.items[0], &args->command, sk_process_stdin(args));
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    {"interactive", 'i', SK_OPTION_FLAG, offsetof(struct sk_args, interactive), NULL,
     "pass standard input on even when it is a terminal"},
    {"no-stdin", 'n', SK_OPTION_FLAG, offsetof(struct sk_args, no_stdin), NULL, "leave standard input alone"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_exec = {
    .name = "exec",
    .synopsis = "[OPTION]... ID [--] COMMAND...",
    .summary = "Run a command in a sandbox that runs already, and exit with its code.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .command = true,
    .run = run_exec,
};
