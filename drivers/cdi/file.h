/* file.h: one CDI file: the devices it describes. Blocking: it asks the host
 * what the device nodes are; for start-up. */
#ifndef SK_CDI_FILE_H
#define SK_CDI_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "drivers/device.h"

struct sk_cdi_file {
    const char *kind; /* "nvidia.com/gpu" */
    struct sk_device *devices;
    size_t count;
};

/* All that is made lives in the arena; names are whole ("kind=name"), types are the kind. A file is taken
 * whole or not at all. Errors: SK_INVALID_ARGUMENT, SK_NOT_FOUND (a device node that the host does not have).
 */
SK_MUST_CHECK enum sk_code sk_cdi_file_parse(const char *text, size_t len, struct sk_arena *arena,
                                             struct sk_cdi_file *out_file, struct sk_err *err);

#endif
