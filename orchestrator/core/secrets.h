/* secrets.h: what the core asks for a secret: whoever keeps them answers at
 * once, from memory. Values are looked up when they are needed, and not kept. */
#ifndef SK_CORE_SECRETS_H
#define SK_CORE_SECRETS_H

#include "base/err.h"

struct sk_secret_lookup {
    /* NULL = there are no stores. field "" = the path itself holds a text. *out_value is borrowed until the
     * next turn. Errors: SK_FAILED_PRECONDITION, with SK_REASON_SECRET_STORE when there is no such store. The
     * sentence names store, path and field, never a value. */
    enum sk_code (*find)(void *arg, const char *store, const char *path, const char *field,
                         const char **out_value, struct sk_err *err);
    void *arg;
};

#define SK_REASON_SECRET_STORE "SECRET_STORE_NOT_PROVISIONED"

#endif
