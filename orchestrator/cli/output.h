/* output.h: sandboxes and bytes on standard output. */
#ifndef SK_CLI_OUTPUT_H
#define SK_CLI_OUTPUT_H

#include "base/buf.h"
#include "cli/boxes.h"
#include "cli/table.h"

#include <stdio.h>

/* All of it, waiting as long as it takes. False when the far end is gone. */
bool sk_write_all(int fd, const void *data, size_t len);

/* A line that holds a server's words, on `to`: nothing in it drives the terminal. False when it cannot be
 * written. */
bool sk_output_say(FILE *to, const char *format, ...) SK_PRINTF(2, 3);

/* A table, newest as the server sorts; or a JSON array. Returns the exit code. */
int sk_output_list(sk_shown *const *boxes, size_t count, bool json);
/* "key: value" lines, or a JSON object. Returns the exit code. */
int sk_output_box(const sk_shown *box, bool json);

/* One buffer for either, and its way out: prints what is in `out` and frees it, or says why there is nothing.
 * Returns the exit code. */
void sk_output_begin(struct sk_buf *out);
int sk_output_end(enum sk_code code, struct sk_buf *out, struct sk_err *err);
/* Two cells, of what is not empty. */
void sk_output_add(struct sk_table *table, const char *name, const char *text);
void sk_output_add_moment(struct sk_table *table, const char *name, const Google__Protobuf__Timestamp *at);
/* "a,b,c" */
const char *sk_output_joined(struct sk_arena *arena, char *const *texts, size_t count);

#endif
