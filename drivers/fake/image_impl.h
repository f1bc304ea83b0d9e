/* image_impl.h: the inside of the fake image driver, for image*.c alone. */
#ifndef SK_FAKE_IMAGE_IMPL_H
#define SK_FAKE_IMAGE_IMPL_H

#include "base/strings.h"
#include "drivers/fake/image.h"
#include "oci/reference.h"

#include <string.h>

/* One name, here or in a registry. */
struct sk_fake_entry {
    struct sk_list link;
    struct sk_arena arena;
    struct sk_fake_image image; /* in the arena */
    char digest[SK_DIGEST_SIZE];
    char puller[SK_DIGEST_SIZE];
    int64_t created_s, used_s;
};

struct sk_fake_images {
    struct sk_image_driver base;
    struct sk_fake_calls calls;
    struct sk_list local, remote; /* struct sk_fake_entry */
    struct sk_list pulls;         /* struct sk_fake_pull: being fetched */
    struct sk_litter_list litter;
    struct sk_duration pace;
    int64_t disk_total, disk_other;
    size_t pull_count;
    bool cut;
};

static inline struct sk_fake_images *sk_fake_images_of(struct sk_image_driver *base)
{
    return sk_container_of(base, struct sk_fake_images, base);
}

/* --- entries (image_entry.c) --- */

struct sk_fake_entry *sk_fake_entry_find(const struct sk_list *list, const char *name);
/* A copy, at the end of the list, in place of one of that name. */
struct sk_fake_entry *sk_fake_entry_put(struct sk_list *list, const struct sk_fake_image *image);
/* NULL is fine. */
void sk_fake_entry_remove(struct sk_fake_entry *entry);
/* As drivers/image.h wants it. Heap. */
struct sk_image *sk_fake_entry_describe(const struct sk_fake_entry *entry);
void sk_fake_entry_row(const struct sk_fake_entry *entry, struct sk_arena *arena, struct sk_image_row *out);

/* --- the slots that need more than one call --- */

/* image_pull.c */
void sk_fake_pull(struct sk_image_driver *base, const struct sk_image_pull *pull, struct sk_image **out_image,
                  struct sk_done *done);

/* image_import.c */
void sk_fake_import_open(struct sk_image_driver *base, int64_t max_bytes, struct sk_image_import **out,
                         struct sk_done *done);
void sk_fake_import_blob(struct sk_image_import *import, const char *digest, int64_t size, bool *out_wanted,
                         struct sk_done *done);
void sk_fake_import_write(struct sk_image_import *import, const uint8_t *data, size_t len,
                          struct sk_done *done);
void sk_fake_import_commit(struct sk_image_import *import, struct sk_done *done);
void sk_fake_import_finish(struct sk_image_import *import, const char *name,
                           const struct sk_oci_descriptor *target, struct sk_image_progress *progress,
                           struct sk_image **out_image, struct sk_done *done);
void sk_fake_import_close(struct sk_image_import *import_take);

#endif
