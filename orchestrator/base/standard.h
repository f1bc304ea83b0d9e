/* standard.h: descriptors 0, 1 and 2. */
#ifndef SK_BASE_STANDARD_H
#define SK_BASE_STANDARD_H

/* Whoever starts a program may have closed some of them. What is opened next would get their numbers, and be
 * written to by whoever means them; libuv gives up when it is to close one. From here on they are there:
 * those that were closed fail as before when they are read or written, with EBADF. Before anything else is
 * opened. */
void sk_standard_settle(void);

#endif
