/* completion.h: what bash needs to complete sandkeep's verbs and options, made of the verbs' tables. Pure. */
#ifndef SK_CLI_COMPLETION_H
#define SK_CLI_COMPLETION_H

#include "cli/args.h"

/* A script for /usr/share/bash-completion/completions/sandkeep. verbs: NULL-terminated. */
SK_MUST_CHECK enum sk_code sk_completion_print(const struct sk_verb *const *verbs, struct sk_buf *out);

#endif
