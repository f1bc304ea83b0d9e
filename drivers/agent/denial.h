/* denial.h: from the errno with which a guest says no to an error. */
#ifndef SK_AGENT_DENIAL_H
#define SK_AGENT_DENIAL_H

#include "base/err.h"
#include "drivers/agent/wire.h"

/* Fills *err. sys is not 0; `what` says what was asked for ("open the file"). */
void sk_denial(enum sk_open_kind kind, int sys, const char *what, struct sk_err *err);

#endif
