/* graft.h: a layer that was unpacked with nothing below it takes its place on
 * top of those it belongs to: its folder changes places with the empty one
 * that was prepared there.
 *
 * What lies below matters to a layer in one way only: a folder that it goes
 * through but does not list takes after the one below. So each of its folders
 * that is also there below is looked at, and wherever the other way could have
 * come to something else the answer is no.
 *
 * Files only; blocks. */
#ifndef SK_CONTAINERD_GRAFT_H
#define SK_CONTAINERD_GRAFT_H

#include "base/err.h"

#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

struct sk_graft {
    const char *side;          /* ".../snapshots/7": the layer is in its "fs" … */
    const char *upper;         /* … and changes places with the "fs" of this */
    const char *const *lowers; /* ".../snapshots/5/fs", the topmost first */
    size_t lower_count;
    struct stat made;     /* of side's "fs", before anything was in it */
    struct timespec from; /* when the unpacking began, as the clock of files says (CLOCK_REALTIME_COARSE) */
};

/* Whether this is the snapshot that was made no earlier than `since`, and empty; a daemon need not see the
 * files that containerd sees. Errors: SK_FAILED_PRECONDITION. */
SK_MUST_CHECK enum sk_code sk_graft_look(const char *side, struct timespec since, struct stat *out_made,
                                         struct sk_err *err);
/* Errors: SK_FAILED_PRECONDITION (it could be another than if it had been unpacked there), SK_UNIMPLEMENTED
 * (no layer can be moved here); its place is as it was then. */
SK_MUST_CHECK enum sk_code sk_graft_run(const struct sk_graft *graft, struct sk_err *err);

#endif
