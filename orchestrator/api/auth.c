#include "api/auth.h"

#include <string.h>
#include <strings.h>

static const char *bearer_token(const char *value)
{
    if (!value || strncasecmp(value, "bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}

size_t sk_auth_credentials(const char *(*header)(void *arg, const char *name), void *arg,
                           const char *out[SK_CREDENTIALS_MAX])
{
    const char *found[SK_CREDENTIALS_MAX] = {bearer_token(header(arg, "authorization")),
                                             header(arg, "x-api-key"), header(arg, "x-wandb-api-key")};
    size_t count = 0;
    for (size_t i = 0; i < SK_CREDENTIALS_MAX; i++) {
        if (found[i])
            out[count++] = found[i];
    }
    return count;
}
