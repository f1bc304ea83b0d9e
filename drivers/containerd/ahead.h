/* ahead.h: a layer that was unpacked before those below it were there: a
 * snapshot with nothing below, which graft.h puts in its place. Of the
 * overlayfs snapshotter alone, and where the daemon sees its files. */
#ifndef SK_CONTAINERD_AHEAD_H
#define SK_CONTAINERD_AHEAD_H

#include "drivers/containerd/content.h"

#include <sys/stat.h>
#include <time.h>

struct sk_ctd_ahead {
    struct sk_ahead base;
    struct sk_ctd_unpack_key key;
    char *snapshot;       /* ".../snapshots/7" */
    struct stat made;     /* of its "fs", when it was empty */
    struct timespec from; /* when the unpacking began */
};

/* NULL is fine. The snapshot stays. */
void sk_ctd_ahead_free(struct sk_ctd_ahead *ahead);

#endif
