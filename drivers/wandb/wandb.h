/* wandb.h: a W&B server as the one who knows keys: its GraphQL API is asked who a key's holder is. The key
 * goes there alone, by HTTPS unless the URL says otherwise, and is kept nowhere.
 *
 * Threads: loop only. */
#ifndef SK_WANDB_WANDB_H
#define SK_WANDB_WANDB_H

#include "drivers/http/http.h"
#include "drivers/verifier.h"

struct sk_wandb_options {
    struct sk_http *http; /* borrowed */
    const char *url;      /* of the server: "https://api.wandb.ai"; copied */
    const char *ca_file;  /* then the system's do not count; "" = the system's; copied */
};

/* Heap; one owner. */
struct sk_verifier *sk_wandb_new(const struct sk_wandb_options *options);
/* Another server from now on; what is under way ends with the one before. */
void sk_wandb_configure(struct sk_verifier *verifier, const char *url, const char *ca_file);
/* Nothing may be under way. NULL is fine. */
void sk_wandb_free(struct sk_verifier *verifier);

#endif
