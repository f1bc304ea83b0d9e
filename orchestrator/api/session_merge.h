/* session_merge.h: a session's defaults under what the creator of a sandbox
 * says. Explicit beats session: tags are joined (the session's first),
 * environment and annotations go by key, a command with its arguments and
 * everything else is taken as a whole. Pure. */
#ifndef SK_API_SESSION_MERGE_H
#define SK_API_SESSION_MERGE_H

#include "api/check.h"
#include "api/messages.h"

/* What of the merged sandbox is the session's alone. */
enum sk_session_part {
    SK_PART_IMAGE = 1 << 0,
    SK_PART_COMMAND = 1 << 1,
    SK_PART_ARGS = 1 << 2,
    SK_PART_ENVIRONMENT = 1 << 3,
    SK_PART_TAGS = 1 << 4,
    SK_PART_ANNOTATIONS = 1 << 5,
    SK_PART_RESOURCES = 1 << 6,
    SK_PART_NETWORK = 1 << 7,
    SK_PART_SERVICES = 1 << 8,
    SK_PART_VOLUMES = 1 << 9,
    SK_PART_VOLUME_MOUNTS = 1 << 10,
    SK_PART_SECRET_STORES = 1 << 11,
    SK_PART_FILES = 1 << 12,
    SK_PART_WORKING_DIR = 1 << 13,
    SK_PART_SECURITY_CONTEXT = 1 << 14,
    SK_PART_MAX_LIFETIME = 1 << 15,
    SK_PARTS_ALL = (1 << 16) - 1,
};

struct sk_merged {
    unsigned parts; /* enum sk_session_part */
    size_t tags;    /* the first ones, which are the session's */
};

/* Puts map entries in order, so that equal defaults have equal bytes. */
void sk_session_defaults_sort(SK_OWN_PB(SandboxDefaults) * defaults);

/* Both must be sorted (sk_spec_sort); the result may have to be sorted again. New parts live in `arena`,
 * others are shared with `defaults`. A missing spec or container is made. */
struct sk_merged sk_session_merge(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(Sandbox) * sandbox,
                                  struct sk_arena *arena);

/* Faults found below `top` that are the session's get the names its opener knows: "defaults.resources...". */
void sk_session_rename_faults(struct sk_check *check, const char *top, const struct sk_merged *merged);

#endif
