/* netlink.h: a netlink socket, and requests that the kernel acknowledges.
 * Blocking; the worker's thread. */
#ifndef SK_NFTABLES_NETLINK_H
#define SK_NFTABLES_NETLINK_H

#include "base/err.h"

#include <libmnl/libmnl.h>
#include <stdint.h>

struct sk_netlink {
    struct mnl_socket *socket; /* NULL = closed */
    uint32_t seq;
};

/* One message under construction. */
struct sk_message {
    union {
        struct nlmsghdr header;
        uint8_t bytes[2048];
    };
};

/* In the network namespace of the calling thread. `groups`: multicast groups of the bus, as bits; 0 = none.
 */
SK_MUST_CHECK enum sk_code sk_netlink_open(struct sk_netlink *netlink, int bus, uint32_t groups,
                                           struct sk_err *err);
/* Harmless when closed. */
void sk_netlink_close(struct sk_netlink *netlink);

/* Sends the message, which its maker has filled in but for length-independent flags, and waits for the
 * acknowledgement. Errors: by errno, "<what>: ...". */
SK_MUST_CHECK enum sk_code sk_netlink_ask(struct sk_netlink *netlink, struct sk_message *message,
                                          const char *what, struct sk_err *err);
/* The same for a message whose answers are wanted, too; NLM_F_DUMP or not is the caller's. */
SK_MUST_CHECK enum sk_code sk_netlink_read(struct sk_netlink *netlink, struct sk_message *message,
                                           mnl_cb_t each, void *arg, const char *what, struct sk_err *err);

#endif
