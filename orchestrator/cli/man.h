/* man.h: sandkeep(1), from the verbs. Pure. */
#ifndef SK_CLI_MAN_H
#define SK_CLI_MAN_H

#include "cli/args.h"

/* verbs: NULL-terminated. Errors: SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_verbs_print_man(const struct sk_verb *const *verbs, struct sk_buf *out);

#endif
