/* content.h: containerd as an image store (drivers/content.h): its content,
 * images, leases, snapshots and diff services.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_CONTENT_H
#define SK_CONTAINERD_CONTENT_H

#include "drivers/containerd/client.h"
#include "drivers/content.h"

struct Containerd__Image;

/* Whatever is ours in containerd begins so: leases, writes, snapshots that are not finished. */
#define SK_CTD_OURS        "sandkeep-"
#define SK_CTD_OURS_UNPACK SK_CTD_OURS "unpack-"
/* An image that is being transferred; no image of a registry is named so. */
#define SK_CTD_OURS_TRANSFER SK_CTD_OURS "transfer-"

/* Deleting with collection, which walks through all that containerd holds. */
#define SK_CTD_COLLECT_LIMIT SK_SEC(60)

struct sk_ctd_content {
    struct sk_content base;
    struct sk_ctd_client *client; /* borrowed */
    struct sk_list leases;        /* struct sk_ctd_lease: held by this daemon */
    struct sk_list writes;        /* struct sk_ctd_write: open, or kept under one of these leases */
    struct sk_list unpacks;       /* struct sk_ctd_unpack_key: under way */
    struct sk_list transfers;     /* struct sk_ctd_transfer_name: under way */
    bool is_ahead_off;            /* layers cannot be moved: none is unpacked ahead any more */
};

void sk_ctd_content_init(struct sk_ctd_content *content, struct sk_ctd_client *client);
/* No call may be under way, no writer open (asserted). */
void sk_ctd_content_fini(struct sk_ctd_content *content);
struct sk_ctd_content *sk_ctd_content_of(struct sk_content *base);

/* Turns an error of containerd's into SK_RESOURCE_EXHAUSTED when the disk is full. */
void sk_ctd_content_judge(struct sk_err *err);

/* What of containerd's is in use by this daemon, and so no litter. */
struct sk_ctd_lease {
    struct sk_list link;
    char *name;
    struct sk_instant until; /* an hour after it was last asked for */
};

struct sk_ctd_write {
    struct sk_list link;
    char *ref, *lease;
    unsigned users;   /* writers; none: it was kept */
    bool is_aborting; /* what was written is being thrown away */
};

struct sk_ctd_unpack_key {
    struct sk_list link;
    char key[128];
};

struct sk_ctd_transfer_name {
    struct sk_list link;
    char name[64];
};

/* lease.c */
bool sk_ctd_lease_is_held(const struct sk_ctd_content *content, const char *name);
void sk_ctd_lease_forget(struct sk_ctd_lease *lease);
void sk_ctd_hold_lease(struct sk_content *base, const char *lease, struct sk_done *done);
void sk_ctd_let_go_lease(struct sk_content *base, const char *lease, struct sk_done *done);
/* writes.c */
struct sk_ctd_write *sk_ctd_write_find(const struct sk_ctd_content *content, const char *ref);
void sk_ctd_write_forget(struct sk_ctd_write *write);
/* One writer more. */
struct sk_ctd_write *sk_ctd_write_note(struct sk_ctd_content *content, const struct sk_blob_ask *ask);
/* One less; forgotten with the last, unless it is kept. */
void sk_ctd_write_leave(struct sk_ctd_write *note, bool is_kept);
/* Makes containerd throw away what was written. Not there is success. */
void sk_ctd_write_abort(struct sk_ctd_client *client, const char *ref, struct sk_done *done);
/* blob_writer.c */
void sk_ctd_open_blob(struct sk_content *base, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                      struct sk_done *done);
void sk_ctd_write_blob(struct sk_blob_writer *writer, const uint8_t *data, size_t len, struct sk_done *done);
void sk_ctd_commit_blob(struct sk_blob_writer *writer, struct sk_done *done);
void sk_ctd_close_blob(struct sk_blob_writer *writer_take, bool keep);
/* stored_images.c */
void sk_ctd_find_image(struct sk_content *base, const char *name, struct sk_stored_images *out,
                       struct sk_done *done);
void sk_ctd_list_images(struct sk_content *base, struct sk_stored_images *out, struct sk_done *done);
void sk_ctd_put_image(struct sk_content *base, const char *lease, const char *name,
                      const struct sk_oci_descriptor *target, const char *puller, struct sk_done *done);
void sk_ctd_touch_image(struct sk_content *base, const char *name, int64_t now_s, struct sk_done *done);
void sk_ctd_remove_image(struct sk_content *base, const char *name, struct sk_done *done);
/* Whether containerd's image has a digest and size to be used; then *out is what it stands for. */
bool sk_ctd_take_target(const struct Containerd__Image *image, struct sk_oci_descriptor *out);
/* transfer.c */
void sk_ctd_transfer(struct sk_content *base, const struct sk_transfer_ask *ask,
                     struct sk_transfer_result *out, struct sk_done *done);
/* layers.c */
void sk_ctd_find_snapshot(struct sk_content *base, const char *lease, const char *chain, bool *out_found,
                          struct sk_done *done);
void sk_ctd_measure(struct sk_content *base, const char *chain, const char *above, int64_t *out_bytes,
                    struct sk_done *done);
/* unpack.c */
void sk_ctd_unpack(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_done *done);
/* ahead.c */
void sk_ctd_unpack_ahead(struct sk_content *base, const struct sk_unpack_ask *ask, struct sk_ahead **out,
                         struct sk_done *done);
void sk_ctd_drop_ahead(struct sk_ahead *base_take, struct sk_done *done);
/* disk.c */
void sk_ctd_disk(struct sk_content *base, struct sk_disk_room *out, struct sk_done *done);
/* content_litter.c */
void sk_ctd_list_content_litter(struct sk_content *base, struct sk_litter_list *out, struct sk_done *done);
void sk_ctd_remove_content_litter(struct sk_content *base, const struct sk_litter *litter,
                                  struct sk_done *done);

#endif
