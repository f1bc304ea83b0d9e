/* terminal.h: a new pseudo-terminal of a devpts.
 *
 * The daemon opens the master itself, so that nobody else has the same open
 * file description and can change its flags. */
#ifndef SK_AGENT_TERMINAL_H
#define SK_AGENT_TERMINAL_H

#include "base/err.h"

/* terminals_fd: a directory that sk_vet_terminals let pass. The master is
 * non-blocking. Errors: SK_RESOURCE_EXHAUSTED, SK_FAILED_PRECONDITION. */
SK_MUST_CHECK enum sk_code sk_terminal_open(int terminals_fd, int *out_master, int *out_slave,
                                            struct sk_err *err);

#endif
