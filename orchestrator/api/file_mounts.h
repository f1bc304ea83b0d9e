/* file_mounts.h: the files of a container's spec that it finds in place. Pure. */
#ifndef SK_API_FILE_MOUNTS_H
#define SK_API_FILE_MOUNTS_H

#include "api/check.h"
#include "api/messages.h"
#include "store/records.h"

#define SK_FILE_MOUNTS_MAX       1000
#define SK_FILE_MOUNTS_BYTES_MAX ((size_t)16 * 1024 * 1024) /* of all contents together */

/* Bytes of all contents. */
size_t sk_file_mounts_size(const SK_PB(Container) * container);
/* Paths go into `arena`, contents into out_spec->contents; the message keeps
 * the paths and loses the contents. `path` names the container. most: files. */
void sk_file_mounts_decode(const SK_PB(Container) * container, const struct sk_path *path, size_t most,
                           struct sk_arena *arena, struct sk_spec *out_spec, struct sk_check *check);

#endif
