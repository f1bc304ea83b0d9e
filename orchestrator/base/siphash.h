/* siphash.h: SipHash-2-4 of Aumasson and Bernstein: a keyed hash whose
 * collisions cannot be provoked by those who do not know the key. */
#ifndef SK_BASE_SIPHASH_H
#define SK_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t sk_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
