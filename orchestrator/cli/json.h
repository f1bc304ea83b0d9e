/* json.h: sandboxes as JSON, for programs. Pure.
 *
 * One object: id, state, state_reason, image, command, tags, cpu, memory,
 * created, started, ended (RFC 3339 or null), lifetime_seconds, exit_code
 * (or null). Fields are only ever added. */
#ifndef SK_CLI_JSON_H
#define SK_CLI_JSON_H

#include "base/buf.h"
#include "cli/boxes.h"

/* An array of `count`, or the bare object of boxes[0]. */
SK_MUST_CHECK enum sk_code sk_box_print_json(sk_shown *const *boxes, size_t count, bool array,
                                             struct sk_buf *out, struct sk_err *err);

/* The main container of a spec, or NULL. */
const Coreweave__Sandbox__V1__Container *sk_box_main(const sk_shown *box);

#endif
