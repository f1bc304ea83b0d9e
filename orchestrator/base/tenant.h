/* tenant.h: names of tenants: who sandboxes, sessions and keys belong to. Pure. */
#ifndef SK_BASE_TENANT_H
#define SK_BASE_TENANT_H

#include <stdbool.h>

#define SK_TENANT_MAX 63
/* Of callers without a key, of keys in the configuration, and of what was made before there were tenants. */
#define SK_TENANT_DEFAULT "default"

/* What is wanted, where an operator gave something else; and all that is said of it. */
#define SK_TENANT_WISH  "give up to 63 of a-z, 0-9, \".\" and \"-\""
#define SK_TENANT_FAULT "\"%.80s\" is no tenant, " SK_TENANT_WISH

/* [a-z0-9][a-z0-9.-]{0,62} */
bool sk_tenant_is_valid(const char *name);

#endif
