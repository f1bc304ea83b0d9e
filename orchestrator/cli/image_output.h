/* image_output.h: images on standard output.
 *
 * As JSON: name, digest, size_bytes, created, last_used (RFC 3339 or null),
 * in_use, pinned, private; of a single one also config: entrypoint, cmd, env,
 * working_dir, user, stop_signal, or null. Fields are only ever added. */
#ifndef SK_CLI_IMAGE_OUTPUT_H
#define SK_CLI_IMAGE_OUTPUT_H

#include "base/buf.h"

#include "sandkeep/image.pb-c.h"

#include <stdbool.h>

/* A table, or a JSON array. Returns the exit code. */
int sk_image_output_list(Sandkeep__V1__Image *const *images, size_t count, bool json);
/* A JSON object. Returns the exit code. */
int sk_image_output_one(const Sandkeep__V1__Image *image);

#endif
