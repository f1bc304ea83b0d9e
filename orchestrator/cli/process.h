/* process.h: a command in a sandbox, joined to this program's standard
 * streams, and to its terminal if it is to have one. */
#ifndef SK_CLI_PROCESS_H
#define SK_CLI_PROCESS_H

#include "cli/args.h"
#include "cli/client.h"

enum sk_stdin_use {
    SK_STDIN_NONE, /* the process sees its end at once */
    SK_STDIN_PASS
};

struct sk_process_streams {
    enum sk_stdin_use input;
    bool terminal; /* the process gets one; ours is lent to it when input is passed */
};

/* What the options ask for: -i passes standard input, -n does not; else it is passed unless it is a
 * terminal. */
struct sk_process_streams sk_process_streams(const struct sk_args *args);
/* The same for a shell: joined to our terminal if there is one. */
struct sk_process_streams sk_process_shell_streams(void);

/* A shell: the best the sandbox has. */
extern const struct sk_words sk_process_shell;

/* Runs to the end. Returns the process's exit code; 128 + signal when one came
 * here; 125 after saying what failed. */
int sk_process_run(struct sk_client *client, const char *sandbox_id, const struct sk_words *command,
                   struct sk_process_streams streams);

#define SK_EXIT_OWN_FAILURE 125

#endif
