/* url.h: "http(s)://host[:port][/path]", as proxies and mirrors are named:
 * nothing that logs in, asks or climbs. Pure. */
#ifndef SK_CONFIG_URL_H
#define SK_CONFIG_URL_H

#include <stdbool.h>

bool sk_url_is_valid(const char *url);
/* For faults: a text that should have been a URL, or dots when a password may stand in it. */
const char *sk_url_shown(const char *text);

#endif
