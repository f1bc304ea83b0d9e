/* cgroups.h: the cgroups of sandboxes, in every hierarchy of the machine (one
 * in version 2, many in version 1). Blocking: on a thread of the pool. */
#ifndef SK_CONTAINERD_CGROUPS_H
#define SK_CONTAINERD_CGROUPS_H

#include "drivers/litter.h"

#include "base/err.h"

/* The groups right below `parent` ("" = the root), each name once. */
void sk_cgroups_list(const char *parent, struct sk_litter_list *list);
/* Ends the processes in parent/name and removes it, with the groups below it, everywhere; absent is success.
 * Errors: SK_UNAVAILABLE (a process does not end yet). */
SK_MUST_CHECK enum sk_code sk_cgroups_remove(const char *parent, const char *name, struct sk_err *err);

#endif
