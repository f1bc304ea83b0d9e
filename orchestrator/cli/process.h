/* process.h: a command in a sandbox, joined to this program's standard
 * streams. Output is written before the next piece is asked for, so a slow
 * reader of ours slows the process, and nothing piles up. */
#ifndef SK_CLI_PROCESS_H
#define SK_CLI_PROCESS_H

#include "cli/args.h"
#include "cli/client.h"

enum sk_stdin_use {
    SK_STDIN_NONE, /* the process sees its end at once */
    SK_STDIN_PASS
};
/* What the options ask for: -i passes it, -n does not; else it is passed unless it is a terminal. */
enum sk_stdin_use sk_process_stdin(const struct sk_args *args);

/* Runs to the end. Returns the process's exit code; 128 + signal when one came
 * here; 125 after saying what failed. */
int sk_process_run(struct sk_client *client, const char *sandbox_id, const struct sk_words *command,
                   enum sk_stdin_use use);

#define SK_EXIT_OWN_FAILURE 125

#endif
