#include "drivers/fake/image.h"

#include "base/strings.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MAX_IMAGES = 16 };

struct sk_fake_images {
    struct sk_image_driver base;
    struct sk_fake_calls calls;
    struct sk_fake_image known[MAX_IMAGES];
    size_t count;
};

static const char *const PATH_ENV[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
static const char *const SHELL_CMD[] = {"/bin/sh", NULL};

static struct sk_fake_images *of(struct sk_image_driver *base)
{
    return sk_container_of(base, struct sk_fake_images, base);
}

static bool is_valid(const char *reference)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
    size_t len = strlen(reference);
    const char *digest = strchr(reference, '@');

    if (digest && (strncmp(digest, "@sha256:", 8) != 0 || strlen(digest) != 8 + 64))
        return false;
    return len > 0 && len < 200 && strspn(reference, allowed) == len && reference[0] != '/' &&
           reference[len - 1] != ':' && reference[len - 1] != '/' && !strstr(reference, "..");
}

static void complete(const char *reference, char out[256])
{
    const char *slash = strchr(reference, '/');
    const char *last = strrchr(reference, '/');
    bool registry = slash && memchr(reference, '.', (size_t)(slash - reference));
    bool tagged = strchr(last ? last : reference, ':') != NULL;

    (void)snprintf(out, 256, "%s%s%s",
                   registry ? ""
                   : slash  ? "docker.io/"
                            : "docker.io/library/",
                   reference, tagged ? "" : ":latest");
}

static struct sk_image *describe(const struct sk_fake_image *known)
{
    struct sk_image *image = sk_alloc(sizeof(*image));
    struct sk_arena *arena = &image->arena;

    image->name = sk_arena_strdup(arena, known->name);
    image->digest = sk_arena_printf(arena, "sha256:%064zx", strlen(known->name));
    image->snapshot_parent = sk_arena_printf(arena, "sha256:%064zx", strlen(known->name) + 1);
    image->entrypoint = (char **)sk_strings_copy(arena, known->entrypoint);
    image->cmd = (char **)sk_strings_copy(arena, known->cmd);
    image->env = (char **)sk_strings_copy(arena, known->env);
    image->working_dir = sk_arena_strdup(arena, known->working_dir ? known->working_dir : "");
    image->user = sk_arena_strdup(arena, known->user ? known->user : "");
    image->stop_signal = known->stop_signal ? known->stop_signal : SIGTERM;
    return image;
}

static enum sk_code ensure(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_images *images = call->target;
    char name[256];

    if (!is_valid(call->id))
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.100s\" is not a valid image name", call->id);
    complete(call->id, name);
    for (size_t i = 0; i < images->count; i++) {
        if (strcmp(images->known[i].name, name) == 0) {
            *(struct sk_image **)call->out = describe(&images->known[i]);
            return SK_OK;
        }
    }
    return sk_fail(err, SK_NOT_FOUND, "image %s is not on this node", name);
}

static void op_ensure(struct sk_image_driver *base, const char *reference, struct sk_image **out_image,
                      struct sk_done *done)
{
    struct sk_fake_call call = {
        .target = of(base), .id = reference, .out = out_image, .asks = true, .effect = ensure};
    sk_fake_call(&of(base)->calls, "image.ensure", &call, done);
}

static const struct sk_image_ops ops = {.find = op_ensure};

struct sk_fake_images *sk_fake_images_new(struct sk_loop *loop)
{
    struct sk_fake_images *images = sk_alloc(sizeof(*images));

    images->base.ops = &ops;
    sk_fake_calls_init(&images->calls, loop);
    sk_fake_images_add(
        images,
        &(struct sk_fake_image){.name = "docker.io/library/python:3.11", .cmd = SHELL_CMD, .env = PATH_ENV});
    sk_fake_images_add(images, &(struct sk_fake_image){
                                   .name = "docker.io/library/alpine:3", .cmd = SHELL_CMD, .env = PATH_ENV});
    return images;
}

void sk_fake_images_free(struct sk_fake_images *images)
{
    if (!images)
        return;
    sk_fake_calls_fini(&images->calls);
    free(images);
}

struct sk_image_driver *sk_fake_images_base(struct sk_fake_images *images)
{
    return &images->base;
}

struct sk_fake_calls *sk_fake_images_calls(struct sk_fake_images *images)
{
    return &images->calls;
}

void sk_fake_images_add(struct sk_fake_images *images, const struct sk_fake_image *image)
{
    if (images->count < MAX_IMAGES)
        images->known[images->count++] = *image;
}
