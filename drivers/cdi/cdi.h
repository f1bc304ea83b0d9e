/* cdi.h: the GPUs that this host's vendors describe by the Container Device
 * Interface: files "*.json", "*.yaml" and "*.yml" in folders like /etc/cdi.
 *
 * Who writes such a file says what runs and what is mounted on the host:
 * folders and files must be root's (or this process's own) and nobody else's
 * to write. A file that is not so, or broken, is reported and ignored, whole.
 * Of devices that are given by several names (index, UUID) one name counts,
 * and "all" never does: it would be all of them once more.
 *
 * Blocking; for start-up. */
#ifndef SK_CDI_CDI_H
#define SK_CDI_CDI_H

#include "base/log.h"
#include "drivers/device.h"

struct sk_cdi;

struct sk_cdi_options {
    const char *const *folders; /* NULL-terminated; of a device in several the last counts */
    const char *const *kinds;   /* "vendor/class" that count as GPUs; NULL-terminated */
    const char *type; /* what clients call them; "" = their kind; borrowed for as long as the result */
};

/* Heap; never NULL. */
struct sk_cdi *sk_cdi_read(const struct sk_log *log, const struct sk_cdi_options *options);
/* In the order of their names, numbers by value. */
const struct sk_device *sk_cdi_devices(const struct sk_cdi *cdi, size_t *out_count);
void sk_cdi_free(struct sk_cdi *cdi); /* NULL is fine */

#endif
