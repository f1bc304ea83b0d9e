/* ending.h: ending sandboxes, as stop, rm and run do; and doing so, or the like, word by word. */
#ifndef SK_CLI_ENDING_H
#define SK_CLI_ENDING_H

#include "cli/args.h"
#include "cli/boxes.h"

/* Deletes and waits until it has ended. `missing_ok`: not there is success. */
SK_MUST_CHECK enum sk_code sk_box_end(struct sk_client *client, const char *id, int32_t grace_s,
                                      bool missing_ok, struct sk_fault *fault);
/* `end` for each of args->words, one after the other: prints those that are gone, and the faults of the
 * others. Returns the exit code. */
int sk_end_each(const struct sk_args *args,
                enum sk_code (*end)(struct sk_client *client, const struct sk_args *args, const char *word,
                                    struct sk_fault *fault));

#endif
