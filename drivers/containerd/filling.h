/* filling.h: a snapshot that a layer is being unpacked to: its key is ours
 * alone, what grows too large in it is cut off, and when anything fails it
 * goes, and its files with it.
 *
 * Most of it is steps of an errand whose `user` is the filling, in pairs: what
 * is done, and what undoes it. */
#ifndef SK_CONTAINERD_FILLING_H
#define SK_CONTAINERD_FILLING_H

#include "drivers/containerd/errand.h"

struct Containerd__Mount;
struct Containerd__SnapshotUsage;

/* In the errand's arena, zeroed. */
struct sk_ctd_filling {
    struct sk_errand *errand;
    struct sk_unpack_ask ask; /* its texts lie in the arena */
    struct sk_ctd_unpack_key key;
    char *collector; /* the lease whose end makes containerd collect */
    struct Containerd__Mount **mounts;
    size_t mount_count;
    bool may_go_on; /* containerd may not have noticed yet that nobody waits for it */

    /* apply.c */
    struct sk_done applied, looked;
    struct sk_done *step; /* of apply or settle; NULL when it has answered */
    struct sk_timer timer;
    struct sk_instant looked_at;
    struct sk_arena scratch; /* of one look */
    ProtobufCMessage *usage;
    struct sk_err outcome; /* of apply */
    bool applying, looking, too_large;
};

/* Copies what the ask names. */
void sk_ctd_filling_init(struct sk_ctd_filling *filling, struct sk_errand *errand,
                         const struct sk_unpack_ask *ask);

/* Takes over the snapshot of this key. */
void sk_ctd_filling_adopt(struct sk_ctd_filling *filling, const char *key);

/* Notes a key: no litter while it lasts. */
void sk_ctd_filling_note(struct sk_op *op, struct sk_done *done);
void sk_ctd_filling_forget(struct sk_op *op, struct sk_done *done);
/* The files of a removed snapshot go when containerd collects, which the end of a lease makes it do. */
void sk_ctd_filling_make_collector(struct sk_op *op, struct sk_done *done);
void sk_ctd_filling_collect(struct sk_op *op, struct sk_done *done);
/* On top of ask.parent. */
void sk_ctd_filling_prepare(struct sk_op *op, struct sk_done *done);
void sk_ctd_filling_remove(struct sk_op *op, struct sk_done *done);
/* Right after prepare: takes its answer. */
void sk_ctd_filling_take_mounts(struct sk_op *op, struct sk_done *done);
/* Before remove: waits until containerd has let go of the files. */
void sk_ctd_filling_settle(struct sk_op *op, struct sk_done *done);
/* As containerd's own clients do, which then need not unpack the blob to know. */
void sk_ctd_filling_label(struct sk_op *op, struct sk_done *done);
/* What has nothing to do on the way there. */
void sk_ctd_filling_nothing(struct sk_op *op, struct sk_done *done);

/* Removes a snapshot by its key, and what it can that holds its files. */
void sk_ctd_filling_remove_key(struct sk_errand *errand, const char *key, struct sk_done *done);

/* apply.c: the layer, into `mounts`; and what it has come to. */
void sk_ctd_filling_apply(struct sk_op *op, struct sk_done *done);
void sk_ctd_filling_measure(struct sk_op *op, struct sk_done *done);
void sk_ctd_filling_judge_size(struct sk_op *op, struct sk_done *done);

#endif
