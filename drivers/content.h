/* content.h: the contract of image stores: where the blobs of images lie, what
 * names them, and how layers become something a root file system can be made
 * of. What lies there is content-addressed; a blob is only there once its
 * digest was found to be right.
 *
 * Nothing stays without a reason: what no image names, directly or by the
 * references set on its blobs, is collected by the store as soon as the lease
 * that it was written under has gone.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call, and answers within a few seconds of being cancelled even
 * when what lies behind it hangs. What a call returns through a pointer is
 * valid once done fired without error. Texts given are copied, or borrowed for
 * the call alone. Errors that any call may give: SK_UNAVAILABLE (the store
 * does not answer). */
#ifndef SK_DRIVERS_CONTENT_H
#define SK_DRIVERS_CONTENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "drivers/disk.h"
#include "drivers/litter.h"
#include "loop/done.h"
#include "oci/manifest.h"

struct sk_content;

/* What keeps a blob's own blobs: from a manifest to its config and layers, from a config to the snapshot. */
struct sk_content_ref {
    bool is_snapshot; /* else a blob */
    const char *name; /* unique among the references of one blob, [a-z0-9.]+ : "config", "l.0" */
    const char *target;
};

/* A name, and what it stands for. */
struct sk_stored_image {
    char *name;
    struct sk_oci_descriptor target;
    int64_t created_s, used_s; /* wall time; used: as last told, 0 = never */
    char *puller;              /* as given with put_image; "" = anybody may use it */
};

struct sk_stored_images {
    struct sk_arena arena; /* holds it all */
    struct sk_stored_image *items;
    size_t len;
};

/* One blob being written. Several at once are fine, but one writer a digest. */
struct sk_blob_writer {
    struct sk_content *content;
    int64_t offset; /* bytes the store has of it; grows with each write that is done */
};

struct sk_blob_ask {
    const char *lease;
    const char *digest;
    int64_t size;
};

/* One layer that was unpacked before those below it were there. */
struct sk_ahead {
    struct sk_content *content;
};

/* One layer onto the ones below it. */
struct sk_unpack_ask {
    const char *lease;
    struct sk_oci_descriptor layer;
    const char *diff_id;           /* what its uncompressed bytes must have as digest */
    const char *parent;            /* chain id of the layers below, "" = none */
    const char *chain;             /* … of those and this one */
    int64_t max_bytes, max_inodes; /* of what the layer unpacks to; it is ended soon after it went above */
    int64_t *out_bytes;            /* what it unpacked to; NULL = nobody asks */
    struct sk_ahead *ahead_take;   /* of the same layer; NULL = none */
};

struct sk_image_login;
struct sk_image_progress;

/* An image that the store is to fetch by itself, from a registry, as it is set up to. */
struct sk_transfer_ask {
    const char *lease;
    const char *name;                   /* full, as registries know it */
    const char *architecture;           /* as Go names it */
    const struct sk_image_login *login; /* NULL = as nobody; told for the login's own registry only */
    struct sk_image_progress *progress; /* borrowed until done fires */
};

struct sk_transfer_result {
    struct sk_oci_descriptor target; /* what the name stands for */
    bool is_limited;                 /* after SK_RESOURCE_EXHAUSTED: it was the registry that said so */
};

struct sk_content_ops {
    /* Opens a lease, or makes it last anew: for an hour from now. From then on it is litter (list_litter),
     * and if nobody takes that away it ends by itself within a day. */
    void (*hold)(struct sk_content *content, const char *lease, struct sk_done *done);
    /* Ends it; when done fires, what nothing else holds has been collected. Not there is success. */
    void (*let_go)(struct sk_content *content, const char *lease, struct sk_done *done);

    /* *out_size = -1 when the blob is not there. One that is there is put under the lease (if not NULL). */
    void (*find_blob)(struct sk_content *content, const char *lease, const char *digest, int64_t *out_size,
                      struct sk_done *done);
    /* All of a blob. Errors: SK_NOT_FOUND; SK_FAILED_PRECONDITION (longer than out's ceiling). */
    void (*read_blob)(struct sk_content *content, const char *digest, struct sk_buf *out,
                      struct sk_done *done);

    /* Begins a blob, or goes on with what an earlier writer kept: (*out)->offset says from where. The writer
     * is the caller's: close. Errors: SK_ALREADY_EXISTS (the blob is there, and under the lease now). */
    void (*open_blob)(struct sk_content *content, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                      struct sk_done *done);
    /* Appends. The bytes are copied before this returns; one write at a time. done: they are on their way or
     * written, and there is room for more. Errors also of earlier writes. Writing beyond the size given:
     * SK_FAILED_PRECONDITION. SK_RESOURCE_EXHAUSTED: the disk is full. After a cancelled one the writer is
     * only good for close. */
    void (*write)(struct sk_blob_writer *writer, const uint8_t *data, size_t len, struct sk_done *done);
    /* Once all is written. Errors: SK_DATA_LOSS (the bytes do not have this digest and size; they are thrown
     * away; the writer is only good for close). */
    void (*commit)(struct sk_blob_writer *writer, struct sk_done *done);
    /* Whatever is under way; no callback afterwards. keep: what was written stays for the next open, as long
     * as the lease; else it is thrown away. NULL is fine. */
    void (*close)(struct sk_blob_writer *writer_take, bool keep);

    /* Replaces what a blob keeps. Errors: SK_NOT_FOUND. */
    void (*set_refs)(struct sk_content *content, const char *lease, const char *digest,
                     const struct sk_content_ref *refs, size_t count, struct sk_done *done);

    /* Errors: SK_NOT_FOUND. The items of *out are one; out->arena is the caller's: sk_stored_images_fini. */
    void (*find_image)(struct sk_content *content, const char *name, struct sk_stored_images *out,
                       struct sk_done *done);
    void (*list_images)(struct sk_content *content, struct sk_stored_images *out, struct sk_done *done);
    /* Gives a name to what lies there, or moves it. puller: kept with it. */
    void (*put_image)(struct sk_content *content, const char *lease, const char *name,
                      const struct sk_oci_descriptor *target, const char *puller, struct sk_done *done);
    /* Notes that it was used now. Not there is success. */
    void (*touch_image)(struct sk_content *content, const char *name, int64_t now_s, struct sk_done *done);
    /* When done fires, what it alone held has been collected. Not there is success. */
    void (*remove_image)(struct sk_content *content, const char *name, struct sk_done *done);

    /* Whether the layers up to this chain id lie unpacked. One that does is put under the lease (if not
     * NULL). */
    void (*find_snapshot)(struct sk_content *content, const char *lease, const char *chain, bool *out_found,
                          struct sk_done *done);
    /* Unpacks one layer whose blob is there. Two at once must not have the same chain id. Nothing stays of
     * one that fails or is cancelled. Errors: SK_FAILED_PRECONDITION (damaged, hostile, not what diff_id
     * says), SK_RESOURCE_EXHAUSTED (above the limits; the disk is full). */
    void (*unpack)(struct sk_content *content, const struct sk_unpack_ask *ask, struct sk_done *done);
    /* Unpacks one layer whose blob is there, whatever is below it; that is not looked for. *out, NULL on
     * failure, is for unpack, which has little left to do then and comes to the same as without it; or for
     * drop_ahead. Nothing stays of one that fails or is cancelled, and it says nothing of the layer: believe
     * unpack. NULL when the store cannot. Errors: those of unpack; SK_UNIMPLEMENTED (never here). */
    void (*unpack_ahead)(struct sk_content *content, const struct sk_unpack_ask *ask, struct sk_ahead **out,
                         struct sk_done *done);
    /* When done fires, nothing of it stays. */
    void (*drop_ahead)(struct sk_ahead *ahead_take, struct sk_done *done);
    /* Fetches and unpacks what is not there, and puts all of it under the lease; gives it no name. What it
     * fetches from, and how, is the store's own: no address is judged, no size known before it has come.
     * It may leave layers packed. NULL when the store cannot. Errors: those of pull (drivers/image.h);
     * SK_FAILED_PRECONDITION (this version of it cannot). */
    void (*transfer)(struct sk_content *content, const struct sk_transfer_ask *ask,
                     struct sk_transfer_result *out, struct sk_done *done);
    /* Bytes that the layers up to this chain id take, but for those up to `above` ("" = none); 0 when it is
     * not there. */
    void (*measure)(struct sk_content *content, const char *chain, const char *above, int64_t *out_bytes,
                    struct sk_done *done);

    /* Of the file system that images lie in. Errors: SK_UNIMPLEMENTED (nobody says where that is). */
    void (*disk)(struct sk_content *content, struct sk_disk_room *out, struct sk_done *done);

    /* Leases of ours, writes that were kept, half-made snapshots: the litter of daemons that were killed, and
     * of pulls that nobody went on with. Those that this daemon uses, or held within the hour, are left out;
     * kinds "image lease", "image write", "image snapshot", "image name". */
    void (*list_litter)(struct sk_content *content, struct sk_litter_list *out, struct sk_done *done);
    void (*remove_litter)(struct sk_content *content, const struct sk_litter *litter, struct sk_done *done);
};

struct sk_content {
    const struct sk_content_ops *ops;
};

static inline void sk_stored_images_fini(struct sk_stored_images *images)
{
    sk_arena_fini(&images->arena);
    *images = (struct sk_stored_images){0};
}

#endif
