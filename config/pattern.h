/* pattern.h: which images: a full name ("docker.io/library/python:3.12"),
 * where * stands for any text. Pure. */
#ifndef SK_CONFIG_PATTERN_H
#define SK_CONFIG_PATTERN_H

#include <stdbool.h>

/* Whether a full name could ever match: one without a registry, or without tag and digest, is none. */
bool sk_pattern_is_valid(const char *pattern);

#endif
