#include "drivers/registry/grant.h"

#include <string.h>

void sk_token_grants_init(struct sk_token_grants *grants)
{
    *grants = (struct sk_token_grants){0};
    sk_map_init(&grants->by_key);
    sk_list_init(&grants->by_age);
}

static void forget(struct sk_token_grants *grants, struct sk_token_grant *grant)
{
    sk_map_remove(&grants->by_key, &grant->node);
    sk_list_remove(&grant->link);
    if (grant->token)
        explicit_bzero(grant->token, strlen(grant->token));
    free(grant->token);
    free(grant->key);
    free(grant);
}

void sk_token_grants_fini(struct sk_token_grants *grants)
{
    sk_list_each(&grants->by_age, link) forget(grants, sk_list_entry(link, struct sk_token_grant, link));
    sk_map_fini(&grants->by_key);
}

char *sk_token_grant_key(const char *place, const char *repository, const struct sk_image_login *login)
{
    char digest[SK_DIGEST_SIZE] = "";
    if (login)
        sk_digest_of(login->password, strlen(login->password), digest);
    return sk_printf("%s\n%s\n%s\n%s", place, repository, login ? login->username : "", digest);
}

static struct sk_token_grant *find(const struct sk_token_grants *grants, const char *key)
{
    struct sk_map_node *node = sk_map_find(&grants->by_key, key);
    return node ? sk_map_entry(node, struct sk_token_grant, node) : NULL;
}

const struct sk_token_grant *sk_token_grants_find(const struct sk_token_grants *grants, const char *key,
                                                  struct sk_instant now)
{
    const struct sk_token_grant *grant = find(grants, key);
    return grant && grant->until.ns > now.ns ? grant : NULL;
}

void sk_token_grants_put(struct sk_token_grants *grants, const char *key, const char *token,
                         struct sk_instant until)
{
    struct sk_token_grant *before = find(grants, key);
    if (!before && grants->by_key.len == SK_GRANTS_MAX)
        before = sk_list_entry(grants->by_age.next, struct sk_token_grant, link);
    struct sk_token_grant *grant = sk_alloc(sizeof(*grant));
    *grant = (struct sk_token_grant){
        .key = sk_strdup(key), .token = sk_strdup(token), .serial = ++grants->last_serial, .until = until};
    if (before)
        forget(grants, before);
    sk_map_add(&grants->by_key, &grant->node, grant->key);
    sk_list_append(&grants->by_age, &grant->link);
}
