#include "core/pull_login.h"

#include <string.h>

/* --- the login itself ------------------------------------------------------------- */

void sk_pull_login_copy(struct sk_pull_login *out, const struct sk_image_login *login)
{
    sk_pull_login_fini(out);
    if (!login)
        return;
    out->registry = sk_strdup(login->registry);
    out->username = sk_strdup(login->username);
    out->password = sk_strdup(login->password);
}

static void wipe(char **text)
{
    char *old = sk_take(*text);

    if (old)
        explicit_bzero(old, strlen(old));
    free(old);
}

void sk_pull_login_fini(struct sk_pull_login *login)
{
    wipe(&login->registry);
    wipe(&login->username);
    wipe(&login->password);
}

const struct sk_image_login *sk_pull_login_borrow(const struct sk_pull_login *login,
                                                  struct sk_image_login *out)
{
    *out = (struct sk_image_login){login->registry, login->username, login->password};
    return login->registry ? out : NULL;
}

void sk_pull_login_digest(const struct sk_pull_login *login, const char *salt, char out[SK_DIGEST_SIZE])
{
    const char *const parts[] = {salt ? salt : "", login->registry, login->username, login->password};
    struct sk_digest *digest;

    out[0] = '\0';
    if (!login->registry)
        return;
    digest = sk_digest_new();
    for (size_t i = 0; i < sk_array_len(parts); i++)
        sk_digest_add(digest, parts[i], strlen(parts[i]) + 1); /* the NUL parts them */
    sk_digest_end(digest, out);
}

/* --- looking it up ------------------------------------------------------------------ */

enum sk_code sk_pull_login_find(const struct sk_secret_lookup *secrets, const struct sk_login_source *source,
                                const char *tenant, struct sk_pull_login *out_login, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_image_login found = {.registry = source->registry};
    enum sk_code code;

    if (!secrets->find_login) {
        (void)sk_fail(err, SK_FAILED_PRECONDITION, "there is no secret store \"%.64s\" here", source->store);
        (void)sk_err_reason(err, SK_REASON_SECRET_STORE);
        return SK_FAILED_PRECONDITION;
    }
    code = secrets->find_login(secrets->arg, source, tenant, &arena, &found.username, &found.password, err);
    if (code == SK_OK)
        sk_pull_login_copy(out_login, &found);
    return code;
}
