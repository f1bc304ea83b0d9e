/* base64.h: RFC 4648, section 4: the plain alphabet, with its padding. Pure. */
#ifndef SK_CONFIG_BASE64_H
#define SK_CONFIG_BASE64_H

#include "base/arena.h"

/* The bytes that `text` stands for, with a NUL after them; NULL when it is not base64. */
char *sk_base64_decode(struct sk_arena *arena, const char *text, size_t *out_len);

#endif
