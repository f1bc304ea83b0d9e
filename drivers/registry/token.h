/* token.h: what a token server answers (distribution/distribution,
 * docs/spec/auth/token.md). Pure. */
#ifndef SK_REGISTRY_TOKEN_H
#define SK_REGISTRY_TOKEN_H

#include "base/clock.h"
#include "base/err.h"

#define SK_TOKEN_ANSWER_MAX ((size_t)64 * 1024)

struct sk_token {
    char *text; /* printable, without blanks */
    /* From when it came on. issued_at is not looked at: it is of another machine's clock, and a token that
     * has ended a little earlier is simply asked for anew. */
    struct sk_duration lasts;
};

/* Errors: SK_FAILED_PRECONDITION. On success *out_token is the caller's: sk_token_fini. */
SK_MUST_CHECK enum sk_code sk_token_parse(const uint8_t *body, size_t len, struct sk_token *out_token,
                                          struct sk_err *err);
/* Zeroed is fine. */
void sk_token_fini(struct sk_token *token);

#endif
