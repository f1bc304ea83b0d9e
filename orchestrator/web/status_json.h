/* status_json.h: what the status page shows, as JSON: the node, its capacity,
 * sandboxes, sessions, what happened lately, what did not pass. Moments are
 * milliseconds since the Unix epoch, null = none; texts are valid UTF-8 and
 * otherwise whatever strangers chose.
 *
 * Threads: loop only; at once. */
#ifndef SK_WEB_STATUS_JSON_H
#define SK_WEB_STATUS_JSON_H

#include "core/node.h"

/* Of each list, the newest first; the page says when there are more. */
#define SK_STATUS_SANDBOXES 1000
#define SK_STATUS_SESSIONS  500

/* Heap, NUL-terminated. unready: why it does not serve, "" = it does. */
char *sk_status_json(struct sk_node *node, const char *unready, size_t *out_len);

#endif
