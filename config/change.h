/* change.h: from one configuration to the next without a restart: which keys
 * say something else, and which of these must wait. Pure. */
#ifndef SK_CONFIG_CHANGE_H
#define SK_CONFIG_CHANGE_H

#include "config/config.h"

enum sk_change {
    SK_CHANGE_NONE,  /* the same words */
    SK_CHANGE_TAKEN, /* a reload takes it over */
    SK_CHANGE_WAITS, /* for a restart */
};

/* What becomes of the n-th key of the schema. */
enum sk_change sk_config_change(const struct sk_config *now, const struct sk_config *next, size_t n);

/* Puts what must wait for a restart back to what it is now, so that `next` is what will be in force, and
 * looks whether all of that still fits together. Nothing is borrowed from `now`. False when there are
 * faults. */
SK_MUST_CHECK bool sk_config_hold(struct sk_config *next, const struct sk_config *now,
                                  struct sk_faults *faults);

#endif
