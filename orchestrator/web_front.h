/* web_front.h: the web of this daemon: by its configuration, with its certificate, its address told in
 * <run_dir>/http.
 *
 * Threads: loop only. */
#ifndef SK_WEB_FRONT_H
#define SK_WEB_FRONT_H

#include "config/config.h"
#include "web/web.h"

struct sk_web_front;

/* All borrowed. */
struct sk_web_front_options {
    const struct sk_config *config;
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_metrics *metrics;
    struct sk_node *node;
    struct sk_keys *keys;
    const char *(*unready)(void *arg); /* as in web/web.h */
    void *arg;
};

/* Heap. Reads files, for start-up. Errors: of the certificate. */
SK_MUST_CHECK enum sk_code sk_web_front_open(const struct sk_web_front_options *options,
                                             struct sk_web_front **out_front, struct sk_err *err);
/* Others than those of the start. */
void sk_web_front_set_certificate(struct sk_web_front *front, const char *certificate, const char *key);
/* What a changed config says of metrics. NULL is fine. */
void sk_web_front_configure(struct sk_web_front *front, const struct sk_config *config);
/* At once. NULL is fine. */
void sk_web_front_close(struct sk_web_front *front);

#endif
