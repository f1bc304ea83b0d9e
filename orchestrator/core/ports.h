/* ports.h: ports of the node that lead to sandboxes' services.
 *
 * Each is taken by one sandbox at a time. The next one taken is the one behind
 * the last: a port that was given back rests for as long as there are others,
 * so that no late caller comes to a stranger. Pure. */
#ifndef SK_CORE_PORTS_H
#define SK_CORE_PORTS_H

#include "base/err.h"
#include "net/policy.h"

struct sk_ports {
    uint16_t first, last; /* 0 = there are none */
    uint16_t next;        /* the one that is looked at first */
    uint64_t taken[(UINT16_MAX + 1) / 64];
};

void sk_ports_init(struct sk_ports *ports, uint16_t first, uint16_t last);
/* Gives every service that is reached by a port one. Errors: SK_RESOURCE_EXHAUSTED, nothing is taken then. */
SK_MUST_CHECK enum sk_code sk_ports_assign(struct sk_ports *ports, struct sk_net_policy *policy,
                                           struct sk_err *err);
/* Those it has already, of an earlier daemon; false: another has one of them. Ports beyond the range, which
 * the config may have changed, are nobody else's anyway. */
bool sk_ports_claim(struct sk_ports *ports, const struct sk_net_policy *policy);
/* They rest, though they were taken by an earlier daemon: the search goes on behind them. */
void sk_ports_rest(struct sk_ports *ports, const struct sk_net_policy *policy);
/* Once for each assign or claim. */
void sk_ports_release(struct sk_ports *ports, const struct sk_net_policy *policy);

#endif
