/* image_ask_rig.h: creates that wait for an image, and an image that takes ten seconds, on a world (world.h).
 */
#ifndef SK_TESTS_IMAGE_ASK_RIG_H
#define SK_TESTS_IMAGE_ASK_RIG_H

#include "core/images_impl.h"
#include "support/world.h"

#define IMAGE_NAME "ghcr.io/me/tool:1"

/* A wait of a test, and what came of it. */
struct image_asked {
    struct sk_image_wait wait;
    struct answer answer;
    struct sk_image *image;
};

static inline void image_ask(struct world *w, struct image_asked *a, const char *name,
                             const struct sk_image_login *login)
{
    *a = (struct image_asked){0};
    answer_init(&a->answer);
    sk_images_ensure(sk_node_images(w->node), &a->wait, name, login, &a->image, &a->answer.done);
}

static inline void image_ask_registry(struct world *w, struct image_asked *a, const char *name)
{
    *a = (struct image_asked){0};
    answer_init(&a->answer);
    sk_images_pull(sk_node_images(w->node), &a->wait, name, NULL, &a->image, &a->answer.done);
}

static inline void image_assert_given(struct image_asked *a, const char *name)
{
    assert_int_equal(a->answer.count, 1);
    assert_string_equal(a->answer.err.text, "");
    assert_string_equal(a->image->name, name);
    sk_image_free(sk_take(a->image));
}

static inline void image_assert_failed(const struct image_asked *a, enum sk_code code, const char *text)
{
    assert_int_equal(a->answer.count, 1);
    assert_int_equal(a->answer.err.code, code);
    assert_non_null(strstr(a->answer.err.text, text));
    assert_null(a->image);
}

/* It is given at once, as nothing must be fetched; or refused. */
static inline void image_must_give(struct world *w, const char *name, const struct sk_image_login *login)
{
    struct image_asked a;

    image_ask(w, &a, name, login);
    world_settle(w);
    image_assert_given(&a, name);
}

static inline void image_must_refuse(struct world *w, const char *name, const struct sk_image_login *login,
                                     enum sk_code code, const char *text)
{
    struct image_asked a;

    image_ask(w, &a, name, login);
    world_settle(w);
    image_assert_failed(&a, code, text);
}

/* A private or public image of ten layers, each of which takes a second. */
static inline void image_publish(struct world *w, const char *username)
{
    static const char *const cmd[] = {"/bin/sh", NULL};

    sk_fake_images_publish(w->images, &(struct sk_fake_image){.name = IMAGE_NAME,
                                                              .cmd = cmd,
                                                              .bytes = 2000,
                                                              .layers = 10,
                                                              .username = username,
                                                              .password = username ? "secret" : NULL});
    sk_fake_images_pace(w->images, SK_SEC(1));
}

/* The world's node once more, under another policy. */
static inline void image_restart_with(struct world *w, struct sk_images_config config)
{
    world_stop(w);
    w->config.images = config;
    world_start(w);
}

#endif
