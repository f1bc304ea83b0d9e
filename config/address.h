/* address.h: "host:port", "[v6]:port" or "unix:/path", as listeners take them. Pure. */
#ifndef SK_CONFIG_ADDRESS_H
#define SK_CONFIG_ADDRESS_H

#include <stdbool.h>

bool sk_address_is_valid(const char *address);
/* "host", "host:port", "[v6]" or "[v6]:port", as servers are named; no port 0. */
bool sk_address_is_host(const char *text);
/* Whether only this machine can reach it; `address` is valid. A name other
 * than "localhost" counts as reachable from elsewhere. */
bool sk_address_is_loopback(const char *address);

#endif
