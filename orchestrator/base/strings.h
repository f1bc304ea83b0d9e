/* strings.h: NULL-terminated lists of strings. */
#ifndef SK_BASE_STRINGS_H
#define SK_BASE_STRINGS_H

#include "base/arena.h"

/* NULL counts 0. */
size_t sk_strings_count(const char *const *list);
/* Copies list and strings; NULL gives an empty list. */
const char **sk_strings_copy(struct sk_arena *arena, const char *const *list);

#endif
