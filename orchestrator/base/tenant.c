#include "base/tenant.h"

#include <string.h>

bool sk_tenant_is_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-");

    return len >= 1 && len <= SK_TENANT_MAX && !name[len] && *name != '.' && *name != '-';
}
