/* stored_images.c: the names of images, in containerd's image store. */
#include "containerd/images.pb-c.h"
#include "drivers/containerd/errand.h"
#include "oci/digest.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_PULLER "sandkeep.puller"
#define LABEL_USED   "sandkeep.used"

/* --- what containerd says ------------------------------------------------------- */

static const char *label_of(const Containerd__Image *image, const char *key)
{
    for (size_t i = 0; i < image->n_labels; i++)
        if (strcmp(image->labels[i]->key, key) == 0)
            return image->labels[i]->value;
    return "";
}

static bool is_usable(const Containerd__Image *image)
{
    const Containerd__Descriptor *target = image->target;

    return target && sk_digest_is_valid(target->digest) && target->size >= 0 &&
           strlen(target->media_type) < SK_OCI_TYPE_MAX;
}

/* Names that stand for a moment, of ours. */
static bool is_passing(const Containerd__Image *image)
{
    return strncmp(image->name, SK_CTD_OURS_TRANSFER, strlen(SK_CTD_OURS_TRANSFER)) == 0;
}

bool sk_ctd_take_target(const Containerd__Image *image, struct sk_oci_descriptor *out)
{
    if (!is_usable(image))
        return false;
    out->size = image->target->size;
    (void)snprintf(out->digest, sizeof(out->digest), "%s", image->target->digest);
    (void)snprintf(out->media_type, sizeof(out->media_type), "%s", image->target->media_type);
    return true;
}

/* One that is usable. */
static void add_image(struct sk_stored_images *out, const Containerd__Image *image)
{
    struct sk_stored_image *item = &out->items[out->len++];

    item->name = sk_arena_strdup(&out->arena, image->name);
    item->puller = sk_arena_strdup(&out->arena, label_of(image, LABEL_PULLER));
    item->used_s = strtoll(label_of(image, LABEL_USED), NULL, 10);
    item->created_s = image->created_at ? image->created_at->seconds : 0;
    (void)sk_ctd_take_target(image, &item->target);
}

static void set_size(struct sk_stored_images *out, size_t count)
{
    *out = (struct sk_stored_images){0};
    out->items = sk_arena_alloc(&out->arena, (count + 1) * sizeof(*out->items));
}

/* --- find, list -------------------------------------------------------------------- */

static void get_image(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;

    request.name = (char *)errand->key;
    sk_errand_call(errand, SK_CTD_IMAGE_GET, 0, SK_NS(0), &request.base, done);
}

static void tell_image(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    const Containerd__Image *image = ((const Containerd__GetImageResponse *)errand->answer)->image;
    struct sk_err err = {0};

    if (image && is_usable(image)) {
        set_size(errand->out, 1);
        add_image(errand->out, image);
    } else {
        (void)sk_fail(&err, SK_FAILED_PRECONDITION, "image %s has no valid digest", errand->key);
    }
    sk_errand_step_ends(errand, err.code == SK_OK ? NULL : &err, done);
}

void sk_ctd_find_image(struct sk_content *base, const char *name, struct sk_stored_images *out,
                       struct sk_done *done)
{
    static const struct sk_step steps[] = {{"get", get_image, NULL}, {"tell", tell_image, NULL}, {0}};

    sk_errand_start(sk_errand_new(base, NULL, name, out), "find_image", steps, done);
}

static void get_images(struct sk_op *op, struct sk_done *done)
{
    Containerd__Empty request = CONTAINERD__EMPTY__INIT;

    sk_errand_call(sk_errand_of(op), SK_CTD_IMAGE_LIST, 0, SK_NS(0), &request.base, done);
}

static void tell_images(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    const Containerd__ListImagesResponse *found = (const Containerd__ListImagesResponse *)errand->answer;

    set_size(errand->out, found->n_images);
    for (size_t i = 0; i < found->n_images; i++)
        if (is_usable(found->images[i]) && !is_passing(found->images[i]))
            add_image(errand->out, found->images[i]);
    sk_errand_step_ends(errand, NULL, done);
}

void sk_ctd_list_images(struct sk_content *base, struct sk_stored_images *out, struct sk_done *done)
{
    static const struct sk_step steps[] = {{"list", get_images, NULL}, {"tell", tell_images, NULL}, {0}};

    sk_errand_start(sk_errand_new(base, NULL, NULL, out), "list_images", steps, done);
}

/* --- put, touch, remove --------------------------------------------------------------- */

struct naming {
    struct sk_oci_descriptor target;
    char *label_key, *label_value;
};

/* Creates; or updates what `paths` names, and leaves what others have written there. */
static void send_image(struct sk_errand *errand, enum sk_ctd_method method, unsigned forgive, char **paths,
                       size_t path_count, struct sk_done *done)
{
    struct naming *naming = errand->user;
    Containerd__Label label = CONTAINERD__LABEL__INIT, *labels[] = {&label};
    Containerd__Descriptor target = CONTAINERD__DESCRIPTOR__INIT;
    Containerd__Image image = CONTAINERD__IMAGE__INIT;
    Containerd__FieldMask mask = CONTAINERD__FIELD_MASK__INIT;
    Containerd__PutImageRequest request = CONTAINERD__PUT_IMAGE_REQUEST__INIT;

    label.key = naming->label_key;
    label.value = naming->label_value;
    target.media_type = naming->target.media_type;
    target.digest = naming->target.digest;
    target.size = naming->target.size;
    image.name = (char *)errand->key;
    image.labels = labels;
    image.n_labels = 1;
    image.target = &target;
    mask.paths = paths;
    mask.n_paths = path_count;
    request.image = &image;
    request.update_mask = path_count ? &mask : NULL;
    sk_errand_call(errand, method, forgive, SK_NS(0), &request.base, done);
}

static void create_image(struct sk_op *op, struct sk_done *done)
{
    send_image(sk_errand_of(op), SK_CTD_IMAGE_CREATE, SK_FORGIVE(SK_ALREADY_EXISTS), NULL, 0, done);
}

static void move_image(struct sk_op *op, struct sk_done *done)
{
    char *paths[] = {"target", "labels." LABEL_PULLER};
    struct sk_errand *errand = sk_errand_of(op);

    if (errand->said.code == SK_ALREADY_EXISTS)
        send_image(errand, SK_CTD_IMAGE_UPDATE, 0, paths, sk_array_len(paths), done);
    else
        sk_errand_step_ends(errand, NULL, done);
}

void sk_ctd_put_image(struct sk_content *base, const char *lease, const char *name,
                      const struct sk_oci_descriptor *target, const char *puller, struct sk_done *done)
{
    static const struct sk_step steps[] = {{"create", create_image, NULL}, {"move", move_image, NULL}, {0}};
    struct sk_errand *errand = sk_errand_new(base, lease, name, NULL);
    struct naming *naming = sk_arena_alloc(&errand->arena, sizeof(*naming));

    naming->target = *target;
    naming->label_key = LABEL_PULLER;
    naming->label_value = sk_arena_strdup(&errand->arena, puller);
    errand->user = naming;
    sk_errand_start(errand, "put_image", steps, done);
}

static void note_use(struct sk_op *op, struct sk_done *done)
{
    char *paths[] = {"labels." LABEL_USED};

    send_image(sk_errand_of(op), SK_CTD_IMAGE_UPDATE, SK_FORGIVE(SK_NOT_FOUND), paths, 1, done);
}

void sk_ctd_touch_image(struct sk_content *base, const char *name, int64_t now_s, struct sk_done *done)
{
    static const struct sk_step steps[] = {{"use", note_use, NULL}, {0}};
    struct sk_errand *errand = sk_errand_new(base, NULL, name, NULL);
    struct naming *naming = sk_arena_alloc(&errand->arena, sizeof(*naming));

    naming->label_key = LABEL_USED;
    naming->label_value = sk_arena_printf(&errand->arena, "%" PRId64, now_s);
    errand->user = naming;
    sk_errand_start(errand, "touch_image", steps, done);
}

void sk_ctd_remove_image(struct sk_content *base, const char *name, struct sk_done *done)
{
    Containerd__DeleteImageRequest request = CONTAINERD__DELETE_IMAGE_REQUEST__INIT;

    request.name = (char *)name;
    request.sync = true;
    sk_ctd_call(sk_ctd_content_of(base)->client,
                &(struct sk_ctd_ask){.method = SK_CTD_IMAGE_DELETE,
                                     .limit = SK_CTD_COLLECT_LIMIT,
                                     .forgive = SK_FORGIVE(SK_NOT_FOUND),
                                     .can_cancel = true},
                &request.base, done);
}
