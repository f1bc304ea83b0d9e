/* auth.h: what callers show of themselves: API keys, in one header or another. Pure. */
#ifndef SK_API_AUTH_H
#define SK_API_AUTH_H

#include <stddef.h>

#define SK_CREDENTIALS_MAX 3

/* header(arg, name) gives the first value of a request header, or NULL. Fills in what was sent and returns
 * how many; any one that is good is enough. Borrowed from the headers. */
size_t sk_auth_credentials(const char *(*header)(void *arg, const char *name), void *arg,
                           const char *out[SK_CREDENTIALS_MAX]);

#endif
