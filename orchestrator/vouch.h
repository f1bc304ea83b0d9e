/* vouch.h: who vouches for callers whose keys were not made here: the only place that names the drivers of
 * that. Threads: loop only. */
#ifndef SK_VOUCH_H
#define SK_VOUCH_H

#include "config/config.h"
#include "identity/guests.h"

struct sk_vouch;

/* Heap; one owner; there are guests even if the configuration names nobody. `log` is borrowed, `config` until
 * there is another. */
SK_MUST_CHECK enum sk_code sk_vouch_open(struct sk_loop *loop, const struct sk_log *log,
                                         const struct sk_config *config, struct sk_vouch **out_vouch,
                                         struct sk_err *err);
/* What another configuration says. */
void sk_vouch_configure(struct sk_vouch *vouch, const struct sk_config *config);
struct sk_guests *sk_vouch_guests(const struct sk_vouch *vouch); /* NULL gives NULL */
/* Nobody may be waiting. */
void sk_vouch_close(struct sk_vouch *vouch, struct sk_done *done);

#endif
