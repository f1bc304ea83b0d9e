/* lifetime.h: deadlines of lives.
 *
 * The deadline is a stored fact. The boot clock, which goes on while the
 * machine sleeps, decides while this boot lasts, so that a jump of the wall
 * clock changes nothing; after a reboot the wall clock does. A sweep every
 * five seconds stores what the disk had refused; what is idle costs nothing
 * but its timer. */
#ifndef SK_CORE_LIFETIME_H
#define SK_CORE_LIFETIME_H

#include "core/sandbox_impl.h"

/* RUNNING begins: sets the deadline in the record. */
void sk_lifetime_begin(struct sk_sandbox *sandbox);
/* A record that was loaded: its moments become instants of this boot; starts the timer. */
void sk_lifetime_resume(struct sk_sandbox *sandbox);
void sk_lifetime_end(struct sk_sandbox *sandbox);

/* The sweep. */
void sk_lifetime_start_sweep(struct sk_node *node);
void sk_lifetime_stop_sweep(struct sk_node *node);

#endif
