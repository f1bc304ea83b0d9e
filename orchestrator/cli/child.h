/* child.h: a program on this machine that signals to us are passed on to. */
#ifndef SK_CLI_CHILD_H
#define SK_CLI_CHILD_H

#include "cli/args.h"
#include "cli/client.h"

/* Runs it to its end, the loop meanwhile. `variables`: "K=V", NULL-terminated, on top of our environment.
 * Returns its exit code, 128 + n when signal n ended it; 127 after saying that there is no such program, 126
 * that it cannot be run. */
int sk_child_run(struct sk_client *client, const struct sk_words *command, const char *const *variables);

#endif
