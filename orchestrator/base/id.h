/* id.h: ids of sandboxes, execs and everything else a client can name.
 *
 * "<node>-<random>": node is 1 to 12 of [a-z0-9] and names the machine for
 * ever; random is 26 characters of lower-case base32 (128 bits), so that an
 * id is a DNS label, a containerd id and shorter than 40 characters.
 * Those of sessions are "<node>-s-<random>" with 24 characters (120 bits), so
 * that neither can be taken for the other. */
#ifndef SK_BASE_ID_H
#define SK_BASE_ID_H

#include "base/err.h"

#include <stdbool.h>

#define SK_NODE_MAX      12
#define SK_ID_RANDOM_LEN 26
#define SK_ID_MAX        (SK_NODE_MAX + 1 + SK_ID_RANDOM_LEN)

struct sk_id {
    char text[SK_ID_MAX + 1];
};

/* A fresh id; aborts if the kernel has no random bytes. `node` must be valid. */
struct sk_id sk_id_make(const char *node);
bool sk_id_node_is_valid(const char *node);
/* Whether `text` has the shape of an id made by any node. */
bool sk_id_is_valid(const char *text);

struct sk_id sk_id_make_session(const char *node);
bool sk_id_is_session(const char *text);

#endif
