/* images_rig.h: the images driver over the fake store and the fake registry,
 * and images to try it with; for tests on the virtual loop. */
#ifndef SK_TESTS_IMAGES_RIG_H
#define SK_TESTS_IMAGES_RIG_H

#include "drivers/fake/content.h"
#include "drivers/images/images.h"
#include "support/fake_registry.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RIG_NAME      "registry.test/app:1"
#define RIG_LAYERS    40
#define TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_TAR      "application/vnd.oci.image.layer.v1.tar"

struct rig {
    struct sk_loop *loop;
    struct sk_fake_content *content;
    struct sk_registry *registry;
    struct sk_images_driver *driver;
    struct sk_image_driver *base;
};

/* One call, and what came of it. */
struct rig_call {
    struct sk_done done;
    unsigned answers;
    struct sk_err err;
    struct sk_image *image;
    struct sk_image_progress progress;
};

/* Of an image. */
#define RIG_THREE_LAYERS                                                                                     \
    {                                                                                                        \
        "bottom", "middle layer", "top of it all", NULL                                                      \
    }

/* How an image is made. */
struct rig_image {
    const char *tag;                /* NULL = none */
    const char *layers[RIG_LAYERS]; /* their bytes, NULL-terminated */
    const char *architecture;       /* of the config, "amd64" if NULL */
    const char *index_architecture; /* of the index' entry; NULL = no index */
    size_t diff_ids_left_out;
    int64_t size_lie;          /* added to the size of the first layer */
    int64_t manifest_size_lie; /* … of the manifest, in the index */
    int64_t config_size;       /* if not 0 */
    /* Out. */
    char digest[SK_DIGEST_SIZE], target[SK_DIGEST_SIZE], config[SK_DIGEST_SIZE];
    char layer_digests[RIG_LAYERS][SK_DIGEST_SIZE];
    size_t target_size, layer_count;
    char *manifest_text, *config_text, *target_text; /* heap: rig_image_fini */
};

static inline void rig_init(struct rig *r)
{
    r->loop = sk_vloop_new();
    r->content = sk_fake_content_new(r->loop);
    r->registry = sk_fake_registry_new(r->loop);
    r->driver = sk_images_driver_new(&(struct sk_images_options){
        .loop = r->loop,
        .content = sk_fake_content_base(r->content),
        .registry = r->registry,
        .machine = "x86_64",
        .layers_at_once = 3,
    });
    r->base = sk_images_driver_base(r->driver);
}

static inline void rig_fired(struct sk_done *done, const struct sk_err *err)
{
    struct rig_call *call = sk_container_of(done, struct rig_call, done);
    call->answers++;
    if (err)
        call->err = *err;
}

static inline struct sk_done *rig_call_init(struct rig_call *call)
{
    *call = (struct rig_call){0};
    sk_done_init(&call->done, rig_fired);
    return &call->done;
}

static inline size_t rig_count(const struct rig *r, enum sk_fake_kind kind)
{
    return sk_fake_content_count(r->content, kind);
}

/* Nothing lies there, nothing is under way. */
static inline void rig_assert_empty(const struct rig *r)
{
    assert_int_equal(rig_count(r, SK_FAKE_BLOB), 0);
    assert_int_equal(rig_count(r, SK_FAKE_WRITE), 0);
    assert_int_equal(rig_count(r, SK_FAKE_SNAPSHOT), 0);
    assert_int_equal(rig_count(r, SK_FAKE_LEASE), 0);
    assert_int_equal(rig_count(r, SK_FAKE_IMAGE), 0);
}

static inline void rig_close_driver(struct rig *r)
{
    struct rig_call closed;
    sk_images_driver_close(sk_take(r->driver), rig_call_init(&closed));
    sk_vloop_settle(r->loop);
    assert_int_equal(closed.answers, 1);
}

static inline void rig_fini(struct rig *r)
{
    if (r->driver)
        rig_close_driver(r);
    assert_int_equal(sk_fake_content_writers(r->content), 0);
    assert_int_equal(sk_fake_content_aheads(r->content), 0);
    assert_false(sk_fake_registry_counts(r->registry)->sent_while_held);
    sk_fake_content_free(r->content);
    sk_fake_registry_free(r->registry);
    assert_true(sk_vloop_is_empty(r->loop));
    sk_loop_free(r->loop);
}

static inline void rig_image_fini(struct rig_image *image)
{
    free(image->manifest_text);
    free(image->config_text);
    free(image->target_text);
}

static inline void rig_write_config(struct rig_image *image)
{
    struct sk_buf text;
    sk_buf_init(&text, SK_OCI_BLOB_MAX);
    (void)!sk_buf_printf(&text,
                         "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"User\":\"app\","
                         "\"Cmd\":[\"/bin/sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                         image->architecture ? image->architecture : "amd64");
    for (size_t i = 0; i + image->diff_ids_left_out < image->layer_count; i++)
        (void)!sk_buf_printf(&text, "%s\"%s\"", i ? "," : "", image->layer_digests[i]);
    (void)!sk_buf_printf(&text, "]}}");
    image->config_text = sk_buf_take_text(&text);
    sk_digest_of(image->config_text, strlen(image->config_text), image->config);
}

static inline void rig_write_manifest(struct rig_image *image)
{
    struct sk_buf text;
    size_t config_size = image->config_size ? (size_t)image->config_size : strlen(image->config_text);
    sk_buf_init(&text, SK_OCI_BLOB_MAX);
    (void)!sk_buf_printf(&text,
                         "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_MANIFEST
                         "\",\"config\":{\"digest\":\"%s\","
                         "\"size\":%zu},\"layers\":[",
                         image->config, config_size);
    for (size_t i = 0; i < image->layer_count; i++)
        (void)!sk_buf_printf(&text, "%s{\"mediaType\":\"" TYPE_TAR "\",\"digest\":\"%s\",\"size\":%lld}",
                             i ? "," : "", image->layer_digests[i],
                             (long long)strlen(image->layers[i]) + (i ? 0 : image->size_lie));
    (void)!sk_buf_printf(&text, "]}");
    image->manifest_text = sk_buf_take_text(&text);
    sk_digest_of(image->manifest_text, strlen(image->manifest_text), image->digest);
}

/* Writes the documents; the bytes are nowhere yet. */
static inline void rig_write(struct rig_image *image)
{
    for (image->layer_count = 0; image->layers[image->layer_count]; image->layer_count++) {
        const char *bytes = image->layers[image->layer_count];
        sk_digest_of(bytes, strlen(bytes), image->layer_digests[image->layer_count]);
    }
    rig_write_config(image);
    rig_write_manifest(image);
    if (image->index_architecture)
        image->target_text =
            sk_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" TYPE_MANIFEST
                      "\",\"digest\":\"%s\",\"size\":%lld,"
                      "\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
                      image->digest, (long long)strlen(image->manifest_text) + image->manifest_size_lie,
                      image->index_architecture);
    else
        image->target_text = sk_strdup(image->manifest_text);
    image->target_size = strlen(image->target_text);
    sk_digest_of(image->target_text, image->target_size, image->target);
}

/* Makes the image, and puts it into the registry. */
static inline void rig_publish(struct rig *r, struct rig_image *image)
{
    char digest[SK_DIGEST_SIZE];
    rig_write(image);
    for (size_t i = 0; i < image->layer_count; i++)
        sk_fake_registry_add_blob(r->registry, image->layers[i], strlen(image->layers[i]), digest);
    sk_fake_registry_add_blob(r->registry, image->config_text, strlen(image->config_text), digest);
    sk_fake_registry_add_manifest(r->registry, NULL, TYPE_MANIFEST, image->manifest_text, digest);
    sk_fake_registry_add_manifest(r->registry, image->tag,
                                  image->index_architecture ? TYPE_INDEX : TYPE_MANIFEST, image->target_text,
                                  digest);
}

static inline void rig_pull(struct rig *r, struct rig_call *call, const char *name)
{
    struct sk_image_pull pull = {
        .name = name, .puller = "", .max_bytes = INT64_C(1) << 30, .progress = &call->progress};
    rig_call_init(call);
    pull.progress = &call->progress;
    r->base->ops->pull(r->base, &pull, &call->image, &call->done);
    assert_int_equal(call->answers, 0);
}

/* Pulls and waits for the end, the lease's included. */
static inline enum sk_code rig_pull_now(struct rig *r, struct rig_call *call, const char *name)
{
    rig_pull(r, call, name);
    sk_vloop_settle(r->loop);
    assert_int_equal(call->answers, 1);
    if (call->err.code != SK_OK)
        print_message("  (%s: %s)\n", sk_code_name(call->err.code), call->err.text);
    assert_int_equal(call->image != NULL, call->err.code == SK_OK);
    return call->err.code;
}

static inline enum sk_code rig_find(struct rig *r, struct rig_call *call, const char *name)
{
    r->base->ops->find(r->base, name, &call->image, rig_call_init(call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call->answers, 1);
    return call->err.code;
}

static inline void rig_remove(struct rig *r, const char *name)
{
    struct rig_call call;
    r->base->ops->remove(r->base, name, rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.err.code, SK_OK);
}

#endif
