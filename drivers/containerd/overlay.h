/* overlay.h: where the files of a snapshot of containerd's overlayfs
 * snapshotter lie, from the mounts that it answers with. Pure. */
#ifndef SK_CONTAINERD_OVERLAY_H
#define SK_CONTAINERD_OVERLAY_H

#include "base/arena.h"

#include <stdbool.h>

struct Containerd__Mount;

struct sk_ctd_overlay {
    const char *snapshot; /* ".../snapshots/7", whose "fs" is written to */
    const char **lowers;  /* ".../snapshots/5/fs", the topmost first */
    size_t lower_count;
};

/* false: they are not as that snapshotter makes them. Texts lie in the arena. */
bool sk_ctd_overlay_read(struct sk_arena *arena, struct Containerd__Mount *const *mounts, size_t count,
                         struct sk_ctd_overlay *out);
/* A mount that makes containerd unpack to this snapshot's files as it does when there are layers below; it is
 * never mounted. */
struct Containerd__Mount *sk_ctd_overlay_alone(struct sk_arena *arena, const char *snapshot);

#endif
