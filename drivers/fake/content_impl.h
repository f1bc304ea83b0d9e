/* content_impl.h: what the files of the fake image store share. */
#ifndef SK_FAKE_CONTENT_IMPL_H
#define SK_FAKE_CONTENT_IMPL_H

#include "drivers/fake/content.h"

/* As containerd's (content.h): a lease is litter an hour after it was last held, and runs out after a day. */
#define SK_FAKE_HELD  SK_SEC(3600)
#define SK_FAKE_LASTS SK_SEC(24 * 3600)

struct sk_fake_content {
    struct sk_content base;
    struct sk_fake_calls calls;
    struct sk_fake_shelf shelf;
    struct sk_disk_room disk;
    int64_t swell;
    size_t writers, aheads;
};

struct sk_fake_ahead {
    struct sk_ahead base;
    char chain[SK_DIGEST_SIZE];
};

/* One call's arguments: all copied, in `arena`. */
struct sk_fake_ask {
    struct sk_arena arena;
    struct sk_fake_content *fake;
    const char *lease; /* NULL = none */
    const char *key, *above;
    int64_t number;
    struct sk_blob_writer *writer;
    const uint8_t *data;
    size_t len;
    const struct sk_content_ref *refs;
    struct sk_oci_descriptor target;
    const char *puller;
    struct sk_unpack_ask unpack;
    struct sk_fake_ahead *ahead; /* owned */
};

struct sk_fake_content *sk_fake_content_of(struct sk_content *base);
/* lease and key may be NULL; both are copied. */
struct sk_fake_ask *sk_fake_ask_new(struct sk_fake_content *fake, const char *lease, const char *key);
/* `ask` is freed when the call ends. */
void sk_fake_ask_start(struct sk_fake_ask *ask_take, const char *name, const struct sk_fake_call *call,
                       struct sk_done *done);

/* content_write.c */
void sk_fake_open_blob(struct sk_content *base, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                       struct sk_done *done);
void sk_fake_write(struct sk_blob_writer *writer, const uint8_t *data, size_t len, struct sk_done *done);
void sk_fake_commit_blob(struct sk_blob_writer *writer, struct sk_done *done);
void sk_fake_close(struct sk_blob_writer *writer_take, bool keep);
/* content_images.c */
void sk_fake_find_image(struct sk_content *base, const char *name, struct sk_stored_images *out,
                        struct sk_done *done);
void sk_fake_list_images(struct sk_content *base, struct sk_stored_images *out, struct sk_done *done);
void sk_fake_put_image(struct sk_content *base, const char *lease, const char *name,
                       const struct sk_oci_descriptor *target, const char *puller, struct sk_done *done);
void sk_fake_touch_image(struct sk_content *base, const char *name, int64_t now_s, struct sk_done *done);
void sk_fake_remove_image(struct sk_content *base, const char *name, struct sk_done *done);
/* content_unpack.c */
void sk_fake_find_snapshot(struct sk_content *base, const char *lease, const char *chain, bool *out_found,
                           struct sk_done *done);
void sk_fake_unpack(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_done *done);
void sk_fake_unpack_ahead(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_ahead **out,
                          struct sk_done *done);
void sk_fake_drop_ahead(struct sk_ahead *ahead_take, struct sk_done *done);
/* NULL is fine. */
void sk_fake_ahead_free(struct sk_fake_ahead *ahead);
void sk_fake_measure(struct sk_content *base, const char *chain, const char *above, int64_t *out_bytes,
                     struct sk_done *done);

#endif
