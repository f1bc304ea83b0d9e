/* output.h: sandboxes and bytes on standard output. */
#ifndef SK_CLI_OUTPUT_H
#define SK_CLI_OUTPUT_H

#include "base/buf.h"
#include "cli/boxes.h"

/* All of it, waiting as long as it takes. False when the far end is gone. */
bool sk_write_all(int fd, const void *data, size_t len);

/* A table, newest as the server sorts; or a JSON array. Returns the exit code. */
int sk_output_list(sk_shown *const *boxes, size_t count, bool json);
/* "key: value" lines, or a JSON object. Returns the exit code. */
int sk_output_box(const sk_shown *box, bool json);

#endif
