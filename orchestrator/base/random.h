/* random.h: bytes nobody can guess, from the kernel. */
#ifndef SK_BASE_RANDOM_H
#define SK_BASE_RANDOM_H

#include <stddef.h>

/* Fills `out`; aborts if the kernel has none to give. */
void sk_random(void *out, size_t len);

#endif
