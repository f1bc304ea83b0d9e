/* challenge.h: what a WWW-Authenticate header asks for (RFC 9110 section
 * 11.6.1): of its challenges the two that registries use. Pure; the text is a
 * stranger's, and whatever it is there is an answer. */
#ifndef SK_REGISTRY_CHALLENGE_H
#define SK_REGISTRY_CHALLENGE_H

#include <stdbool.h>

struct sk_challenge {
    bool bearer; /* with a realm; the first such */
    bool basic;
    /* Of the Bearer challenge; "" = absent, too long, or with bytes that are not printable ASCII. */
    char realm[1024]; /* the token server's URL */
    char service[256];
    char scope[1024];
};

void sk_challenge_parse(const char *text, struct sk_challenge *out_challenge);

#endif
