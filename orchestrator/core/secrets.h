/* secrets.h: what the core asks of whoever keeps secrets, who answers at once,
 * from memory. Values are looked up when they are needed, and not kept. */
#ifndef SK_CORE_SECRETS_H
#define SK_CORE_SECRETS_H

#include "base/arena.h"
#include "base/err.h"
#include "store/records.h"

struct sk_secret_lookup {
    /* A secret that holds a login for the source's registry, and that this tenant may use; field "" = none is
     * named. The texts are copied to `arena`. Errors: SK_FAILED_PRECONDITION (no such store, with
     * SK_REASON_SECRET_STORE; no such secret for that tenant; not a login; not for that registry). The
     * sentence never has a value in it. NULL = there are no stores. */
    enum sk_code (*find_login)(void *arg, const struct sk_login_source *source, const char *tenant,
                               struct sk_arena *arena, const char **out_username, const char **out_password,
                               struct sk_err *err);
    void *arg;
};

#define SK_REASON_SECRET_STORE "SECRET_STORE_NOT_PROVISIONED"

#endif
