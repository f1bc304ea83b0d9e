/* boot.h: what the guest does to itself and its sandbox before it serves. */
#ifndef SK_GUEST_BOOT_H
#define SK_GUEST_BOOT_H

/* Makes descriptors 0, 1 and 2 exist, signals blocked and at their defaults,
 * and the process unreadable for others; adopts orphans even when it is not
 * PID 1. Returns a signalfd of all signals, or -1. */
int sk_boot_self(void);
/* Loopback up, "localhost" in /etc/hosts. Failures are ignored: a root that is
 * read-only or odd is the owner's choice. */
void sk_boot_sandbox(void);

#endif
