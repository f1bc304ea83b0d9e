/* gpus.h: the node's GPUs, each one sandbox's at a time.
 *
 * A sandbox's are named in its record (spec.devices), so that they are its own again after a restart; a name
 * that the host no longer has is nobody's. Threads: loop only. */
#ifndef SK_CORE_GPUS_H
#define SK_CORE_GPUS_H

#include "base/arena.h"
#include "base/err.h"
#include "drivers/device.h"

struct sk_spec;

#define SK_GPUS_MAX 1024

struct sk_gpus {
    const struct sk_device *items; /* borrowed */
    size_t len;
    bool taken[SK_GPUS_MAX];
};

void sk_gpus_init(struct sk_gpus *gpus, const struct sk_device *items, size_t len);
/* Takes as many as spec->gpu_count says, of spec->gpu_type if that is not "", and names them in spec->devices
 * (in the arena). Errors: SK_RESOURCE_EXHAUSTED + SK_REASON_CAPACITY; nothing is taken then. */
SK_MUST_CHECK enum sk_code sk_gpus_assign(struct sk_gpus *gpus, struct sk_spec *spec, struct sk_arena *arena,
                                          struct sk_err *err);
/* Those it has already, of an earlier daemon. */
void sk_gpus_claim(struct sk_gpus *gpus, const struct sk_spec *spec);
/* Once for each assign or claim. */
void sk_gpus_release(struct sk_gpus *gpus, const struct sk_spec *spec);

/* The devices behind the names, in the arena; NULL-terminated. Errors: SK_FAILED_PRECONDITION (one is gone).
 */
SK_MUST_CHECK enum sk_code sk_gpus_find(const struct sk_gpus *gpus, const struct sk_spec *spec,
                                        struct sk_arena *arena, const struct sk_device *const **out_devices,
                                        struct sk_err *err);
/* `env` with what the devices bring; NULL-terminated, in the arena. */
const char **sk_gpus_env(struct sk_arena *arena, const char *const *env,
                         const struct sk_device *const *devices);

#endif
