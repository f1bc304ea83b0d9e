#include "drivers/images/source.h"

struct sk_source *sk_source_new(const struct sk_reference *reference, const struct sk_image_login *login)
{
    struct sk_source *source = sk_alloc(sizeof(*source));

    source->refs = 1;
    source->reference = *reference;
    if (login) {
        source->own = sk_image_login_copy(&source->arena, login);
        source->login = &source->own;
    }
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
    if (source_take->login)
        sk_image_login_wipe(source_take->login);
    sk_arena_fini(&source_take->arena);
    free(source_take);
}
