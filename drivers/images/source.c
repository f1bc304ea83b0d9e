#include "drivers/images/source.h"

#include <string.h>

static struct sk_image_login *copy_login(const struct sk_image_login *login)
{
    struct sk_image_login *copy = sk_alloc(sizeof(*copy));

    copy->registry = sk_strdup(login->registry);
    copy->username = sk_strdup(login->username);
    copy->password = sk_strdup(login->password);
    return copy;
}

static void drop_login(struct sk_image_login *login)
{
    if (!login)
        return;
    if (login->password)
        explicit_bzero((char *)login->password, strlen(login->password));
    free((char *)login->registry);
    free((char *)login->username);
    free((char *)login->password);
    free(login);
}

struct sk_source *sk_source_new(const struct sk_reference *reference, const struct sk_image_login *login)
{
    struct sk_source *source = sk_alloc(sizeof(*source));

    source->refs = 1;
    source->reference = *reference;
    source->login = login ? copy_login(login) : NULL;
    return source;
}

struct sk_source *sk_source_ref(struct sk_source *source)
{
    source->refs++;
    return source;
}

void sk_source_unref(struct sk_source *source_take)
{
    if (!source_take || --source_take->refs > 0)
        return;
    drop_login(source_take->login);
    free(source_take);
}
