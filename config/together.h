/* together.h: what keys of a configuration must be to each other, where each
 * alone is right. Pure. */
#ifndef SK_CONFIG_TOGETHER_H
#define SK_CONFIG_TOGETHER_H

#include "config/config.h"

/* Where a key was said. */
struct sk_given {
    const struct sk_json *member; /* NULL = nowhere: it is at its default */
    const char *file;
};

/* given: of each key of the schema, in its order. */
void sk_config_check(const struct sk_config *config, const struct sk_given *given, struct sk_faults *faults);

#endif
