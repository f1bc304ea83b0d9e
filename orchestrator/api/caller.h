/* caller.h: on whose behalf a call is made. */
#ifndef SK_API_CALLER_H
#define SK_API_CALLER_H

#include <stdbool.h>
#include <string.h>

/* Texts are borrowed from the call's arena, or static. */
struct sk_caller {
    const char *tenant; /* never "" */
    const char *key_id; /* names the key in records, logs and the audit; "" = came without one */
    bool is_admin;      /* sees what is every tenant's, and may run the node */
};

/* Whether what belongs to `tenant` is the caller's to see. */
static inline bool sk_caller_sees(const struct sk_caller *caller, const char *tenant)
{
    return caller->is_admin || strcmp(caller->tenant, tenant) == 0;
}

#endif
