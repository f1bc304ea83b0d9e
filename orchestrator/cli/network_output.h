/* network_output.h: a sandbox's network on standard output.
 *
 * As JSON: id, addresses, rules (egress, ingress, dns: what --file takes),
 * services (port, protocol, visibility, name, url), sent_bytes,
 * received_bytes, denied_packets, names_asked, names_denied, denials (time,
 * destination, protocol, port, name, rule). Fields are only ever added. */
#ifndef SK_CLI_NETWORK_OUTPUT_H
#define SK_CLI_NETWORK_OUTPUT_H

#include "base/buf.h"

#include "sandkeep/network.pb-c.h"

#include <stdbool.h>

SK_MUST_CHECK enum sk_code sk_network_print_json(const Sandkeep__V1__Network *network, struct sk_buf *out,
                                                 struct sk_err *err);
/* now: seconds since 1970, to tell how long ago something was denied. */
SK_MUST_CHECK enum sk_code sk_network_print(const Sandkeep__V1__Network *network, int64_t now,
                                            struct sk_buf *out);
/* Either. Returns the exit code. */
int sk_network_output(const Sandkeep__V1__Network *network, bool json);

#endif
