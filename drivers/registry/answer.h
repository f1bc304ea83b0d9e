/* answer.h: what a registry's or token server's refusal means, in a sentence.
 * Pure; the body is a stranger's. */
#ifndef SK_REGISTRY_ANSWER_H
#define SK_REGISTRY_ANSWER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_ANSWER_BODY_MAX 4096 /* bytes of a refusal's body that are looked at */

struct sk_answer {
    const char *host;
    int status;
    int64_t retry_after_s; /* -1 = not said */
    const uint8_t *body;   /* JSON, if it has something to say; may be cut */
    size_t len;
    bool hides_private;     /* Docker's: it refuses what is not there like what may not be seen */
    const char *secrets[2]; /* what no sentence may repeat; NULL = none */
};

/* Always fails: 401 SK_UNAUTHENTICATED, 403 SK_PERMISSION_DENIED, 404 SK_NOT_FOUND, 429
 * SK_RESOURCE_EXHAUSTED, 408 and 5xx SK_UNAVAILABLE, others SK_FAILED_PRECONDITION. */
enum sk_code sk_answer_fail(const struct sk_answer *answer, struct sk_err *err);

#endif
