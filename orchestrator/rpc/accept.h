/* accept.h: see accept.c. For this folder only. */
#ifndef SK_RPC_ACCEPT_H
#define SK_RPC_ACCEPT_H

#include <stdbool.h>

/* Says whether this program's accept4 is the one in accept.c. Calling it is
 * also what links that file, before any library that has an accept4 too. */
bool sk_accept_stands_in(void);

#endif
