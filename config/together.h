/* together.h: what keys of a configuration must be to each other, where each
 * alone is right. Pure. */
#ifndef SK_CONFIG_TOGETHER_H
#define SK_CONFIG_TOGETHER_H

#include "config/config.h"

/* given: the member that each key of the schema was read from, in its order; NULL = it is at its default. */
void sk_config_check(const struct sk_config *config, const struct sk_json *const *given,
                     struct sk_faults *faults);

#endif
