/* rights.h: the guest's own access to files, lent out to a user for a while.
 *
 * Only the ids that file systems look at change, so nobody else may signal or
 * trace the guest meanwhile. The kernel takes the capabilities that override
 * file permissions away with them, and gives them back at the end. */
#ifndef SK_GUEST_RIGHTS_H
#define SK_GUEST_RIGHTS_H

#include "drivers/agent/guest/user.h"

/* 0: what follows is done with the user's rights, until sk_rights_return. Else an errno, and nothing has
 * changed. */
int sk_rights_take(const struct sk_user *user);
/* May be called without a take. errno is kept. */
void sk_rights_return(void);

#endif
