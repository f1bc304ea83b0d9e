/* show.h: verbs that ask a node one thing, and print what it says. */
#ifndef SK_CLI_SHOW_H
#define SK_CLI_SHOW_H

#include "cli/args.h"
#include "cli/client.h"
#include "cli/fault.h"

/* Asks, and prints into stdout; *out_exit: the verb's exit code. What is asked for lives in the arena. On
 * failure the fault says why, and nothing was printed. */
typedef enum sk_code sk_show_fn(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                                int *out_exit, struct sk_fault *fault);

/* Connects, shows, and says what went wrong. The exit code of the verb. */
int sk_show(const struct sk_args *args, sk_show_fn *fn);

#endif
