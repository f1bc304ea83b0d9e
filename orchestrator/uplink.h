/* uplink.h: where sandboxes' networks lie: on the node itself, or in one
 * namespace that CNI plugins have joined to the node's network. */
#ifndef SK_UPLINK_H
#define SK_UPLINK_H

#include "base/log.h"
#include "config/config.h"
#include "drivers/cni/cni.h"

/* Zeroed: the node itself. */
struct sk_uplink {
    const struct sk_config *config;           /* borrowed; NULL = the node itself */
    const struct sk_nftables_exception *gaps; /* borrowed: of network_reachable, as many */
    struct sk_cni_place place;
    char text[SK_IP_TEXT_MAX]; /* its address */
    char id[32];
};

/* What the config wants. Blocks, for start-up. */
SK_MUST_CHECK enum sk_code sk_uplink_open(struct sk_uplink *uplink, const struct sk_log *log,
                                          const struct sk_config *config,
                                          const struct sk_nftables_exception *gaps, struct sk_err *err);
/* Takes away what was joined; for when no sandbox is left. Blocks. */
void sk_uplink_end(struct sk_uplink *uplink, const struct sk_log *log);
bool sk_uplink_is_elsewhere(const struct sk_uplink *uplink);
/* Path; NULL = the node's own. */
const char *sk_uplink_netns(const struct sk_uplink *uplink);
/* For struct sk_dns_options; arg: the uplink. */
int sk_uplink_socket(void *arg, int family, int type);
/* Where the edge listens, and is reached, as the config has it; on loopback, where nobody calls on that of a
 * network apart, it is the address that was given. */
const struct sk_ip *sk_uplink_listen(const struct sk_uplink *uplink, const struct sk_config *config);
const char *sk_uplink_address(const struct sk_uplink *uplink, const struct sk_config *config);

#endif
