/* domain.h: host names as DNS and TLS know them (RFC 1035 section 2.3.1, RFC
 * 6125 section 6.4.3 for wildcards). Pure. */
#ifndef SK_NET_DOMAIN_H
#define SK_NET_DOMAIN_H

#include "base/err.h"

#include <stdbool.h>

#define SK_DOMAIN_MAX 254 /* bytes, NUL included; without a dot at the end */

/* Lower case, no dot at the end; labels of 1 to 63 letters, digits, '-' and '_'. Errors: SK_INVALID_ARGUMENT
 * (anything else; an address). */
SK_MUST_CHECK enum sk_code sk_domain_normalise(const char *text, char out_name[SK_DOMAIN_MAX],
                                               struct sk_err *err);
/* The same where one "*" may stand for the first label; at least two labels must follow it. */
SK_MUST_CHECK enum sk_code sk_domain_pattern(const char *text, char out_pattern[SK_DOMAIN_MAX],
                                             struct sk_err *err);
/* Both normalised. "*.example.com" matches "a.example.com", neither "example.com" nor "a.b.example.com". */
bool sk_domain_matches(const char *pattern, const char *name);
/* Of what normalised labels are made. */
bool sk_domain_is_letter(char c);
char sk_domain_lower(char c);

#endif
