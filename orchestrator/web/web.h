/* web.h: what the daemon tells operators over HTTP: metrics, health, a status
 * page. Nothing can be changed by it.
 *
 * libmicrohttpd, driven by the loop: its epoll descriptor is watched, it has
 * no threads. Few connections, small headers, short patience.
 *
 * Threads: loop only. */
#ifndef SK_WEB_WEB_H
#define SK_WEB_WEB_H

#include "base/log.h"
#include "core/node.h"
#include "identity/keys.h"

struct sk_web;

struct sk_web_options {
    struct sk_loop *loop;
    const struct sk_log *log;
    const char *listen;                    /* as net/ip_port.h takes it */
    bool has_public_metrics;               /* to everybody who reaches the address */
    const char *tls_certificate, *tls_key; /* PEM, borrowed until the return; NULL = none; not for loopback */
    struct sk_metrics *metrics;
    struct sk_node *node;
    struct sk_keys *keys; /* NULL = nobody is an admin */
    /* Why the node does not serve, "" = it does; static texts. Once it has stopped, it does not. */
    const char *(*unready)(void *arg);
    void *arg;
    /* May be called within sk_web_open; NULL = nobody cares. */
    void (*on_listening)(void *listening_arg, uint16_t port);
    void *listening_arg;
};

/* Heap. Options are copied, what they point to is borrowed. An address that cannot be had now is logged, and
 * tried again every ten seconds: who watches must not bring down what is watched. Errors: SK_INVALID_ARGUMENT
 * (address). */
SK_MUST_CHECK enum sk_code sk_web_open(const struct sk_web_options *options, struct sk_web **out_web,
                                       struct sk_err *err);
/* PEM, copied. Connections are cut, and nobody is listened to for a moment. Nothing where there is no TLS. */
void sk_web_set_certificate(struct sk_web *web, const char *certificate, const char *key);
/* From the next question on. */
void sk_web_set_public_metrics(struct sk_web *web, bool has_public_metrics);
/* At once; connections are cut. NULL is fine. */
void sk_web_close(struct sk_web *web);

#endif
