/* peers.h: the fleet that the configuration names. */
#ifndef SK_PEERS_H
#define SK_PEERS_H

#include "config/config.h"
#include "fleet/fleet.h"

struct sk_peers_terms; /* the files that the config names: the key, the authorities */

/* Reads them. Blocks; any thread. NULL: the faults say all. Heap. */
struct sk_peers_terms *sk_peers_read(const struct sk_config *config, struct sk_faults *faults);
void sk_peers_terms_free(struct sk_peers_terms *terms); /* NULL is fine */

/* *out_fleet is for sk_fleet_close; there may be nobody in it. Errors: SK_FAILED_PRECONDITION (a file that
 * cannot be used). */
SK_MUST_CHECK enum sk_code sk_peers_open(const struct sk_config *config, const char *node_id,
                                         struct sk_bridge *bridge, const struct sk_log *log,
                                         struct sk_fleet **out_fleet, struct sk_err *err);
/* For what is asked from now on. terms_take: read from the same config. */
void sk_peers_configure(struct sk_fleet *fleet, const struct sk_log *log, const struct sk_config *config,
                        struct sk_peers_terms *terms_take);

#endif
