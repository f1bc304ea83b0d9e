/* ask.h: what options say of a sandbox, or of those of a session, as messages.
 * Pure; all lives in the arena or in the options. */
#ifndef SK_CLI_ASK_H
#define SK_CLI_ASK_H

#include "base/arena.h"
#include "cli/args.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

/* --cpu and --memory; NULL when neither is given. */
Coreweave__Sandbox__V1__ResourceRequirements *sk_ask_resources(const struct sk_args *args,
                                                               struct sk_arena *arena);
/* "NAME=VALUE", as of --env. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_ask_variable(const char *text, struct sk_arena *arena, char **out_name,
                                           char **out_value, struct sk_err *err);

#endif
