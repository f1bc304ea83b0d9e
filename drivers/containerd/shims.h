/* shims.h: which sandboxes share a shim. A shim is a process of containerd's
 * that looks after containers; sharing one saves memory and shares its
 * crash, so a group has a ceiling. Pure.
 *
 * A shim ends with its last task. To join one that is about to end would
 * fail, so a group is closed for good when its last staying member begins to
 * leave, and numbers are not used again. Groups of an earlier daemon are
 * closed as well: containerd may just be undoing what that one left half-way. */
#ifndef SK_CONTAINERD_SHIMS_H
#define SK_CONTAINERD_SHIMS_H

#include "base/list.h"
#include "base/map.h"

#define SK_SHIM_GROUP_MAX 24 /* bytes of a group's name, NUL included */

struct sk_shims {
    struct sk_map members; /* by sandbox id */
    struct sk_list groups;
    unsigned ceiling;     /* members a group may have; 0 or 1 = no sharing */
    uint64_t last_number; /* the highest given out */
    struct sk_list ended; /* struct sk_shim_name: their shims should have gone, with their sockets */
};

/* What a shim is known by: its group's name, or the id of the only sandbox it ever had. */
struct sk_shim_name {
    struct sk_list link;
    char text[64];
};

/* `used`: earlier daemons have given out no higher number. */
void sk_shims_init(struct sk_shims *shims, unsigned ceiling, uint64_t used);
/* Forgets everything. */
void sk_shims_fini(struct sk_shims *shims);

/* Puts `id` in a group, once, and writes its name: "sk-7", or "" for a shim of its own. */
void sk_shims_join(struct sk_shims *shims, const char *id, char out_group[SK_SHIM_GROUP_MAX]);
/* Learns that `id` is in `group`, as found in containerd; nonsense is ignored. */
void sk_shims_note(struct sk_shims *shims, const char *id, const char *group);
/* The task of `id` is about to end. */
void sk_shims_leaving(struct sk_shims *shims, const char *id);
/* `id` is gone. */
void sk_shims_leave(struct sk_shims *shims, const char *id);

/* Nobody asks for that shim any more. */
void sk_shims_forget(struct sk_shims *shims, const char *name);

#endif
