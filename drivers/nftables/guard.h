/* guard.h: tells when somebody else has changed our table: the kernel
 * announces every transaction, with what it did and whose it was. Never
 * blocks; the worker's thread. */
#ifndef SK_NFTABLES_GUARD_H
#define SK_NFTABLES_GUARD_H

#include "drivers/nftables/netlink.h"

#include <stdbool.h>

struct sk_guard {
    struct sk_netlink events;
    const char *table;
    uint32_t self; /* this thread, as the kernel calls it; 0 = not known yet */
    uint32_t last; /* who made the last transaction that touched the table */
    bool is_touched, is_changed;
};

SK_MUST_CHECK enum sk_code sk_guard_open(struct sk_guard *guard, const char *table, struct sk_err *err);
void sk_guard_close(struct sk_guard *guard);
int sk_guard_fd(const struct sk_guard *guard);
/* Whether somebody else changed the table since it was last asked; also when so much has happened that it
 * cannot be told. */
bool sk_guard_ask(struct sk_guard *guard);
/* Right after this thread has loaded the whole table: what was before does not matter, and whoever changed it
 * last was this thread. */
void sk_guard_settle(struct sk_guard *guard);

#endif
