/* variable.h: an environment variable. */
#ifndef SK_BASE_VARIABLE_H
#define SK_BASE_VARIABLE_H

#include <stddef.h>

struct sk_env {
    const char *name, *value;
};

struct sk_env_list {
    const struct sk_env *items;
    size_t len;
};

#endif
