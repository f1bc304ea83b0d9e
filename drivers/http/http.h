/* http.h: HTTP requests by libcurl, driven by the loop.
 *
 * A transfer follows no redirect and knows no service: it sends one GET, or
 * one POST with a body that lies in memory, and reports what comes. Which addresses a host name may stand for
 * is judged when the socket is made, after resolution, so that DNS cannot lead it elsewhere: link-local,
 * multicast, unspecified and metadata addresses never; loopback, private, shared and this machine's own
 * addresses only when the request says `internal` is fine. IPv4 in IPv6 clothes is judged as IPv4.
 *
 * Behind a proxy it is the proxy that resolves names and connects: the proxy's
 * own address is not judged (the operator named it, and it is often internal),
 * and of the hosts only those that are given as numbers.
 *
 * HTTP/1.1 alone: layers are large, and HTTP/2 would send them all through the
 * window of one connection. TLS 1.2 or newer, always verified. No cookies, no
 * netrc, nothing from the environment; bodies come as they were sent.
 *
 * Names are resolved by curl's own threads; nothing blocks the loop.
 * Threads: loop only. */
#ifndef SK_HTTP_H
#define SK_HTTP_H

#include "base/log.h"
#include "loop/done.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_http; /* curl's multi handle and its watches and timer */

struct sk_http_options {
    struct sk_loop *loop;     /* borrowed */
    const struct sk_log *log; /* borrowed, may be NULL */
    const char *proxy;        /* URL, "" = none; never taken from the environment; copied */
    /* > 0; together; further transfers wait, which does not count as a stall. One host gets half of what the
     * others leave, so that a slow one holds nobody up, and `bulk` leaves some of it to what is not. */
    size_t max_connections;
};

SK_MUST_CHECK enum sk_code sk_http_new(const struct sk_http_options *options, struct sk_http **out_http,
                                       struct sk_err *err);
/* No transfer may be there; not inside a callback. NULL is fine. */
void sk_http_free(struct sk_http *http);
struct sk_loop *sk_http_loop(const struct sk_http *http);

struct sk_http_transfer;

/* What a server that wants to be of use sends within the time of a stall; the `least` of registries. */
#define SK_HTTP_LEAST ((int64_t)16 * 1024)

/* One line of a request's header. Neither part may have bytes other than printable ASCII, the name none that
 * names of fields do not have. */
struct sk_http_field {
    const char *name, *value;
};

#define SK_HTTP_FIELDS_MAX 16

/* Texts, fields and the body are copied. */
struct sk_http_request {
    const char *url;    /* http or https; without user or password */
    const char *accept; /* NULL = anything */
    const char *bearer; /* NULL = none; this or user */
    const char *user, *password;
    const struct sk_http_field *fields; /* further ones; NULL = none; not those that the rest here says */
    size_t field_count;                 /* <= SK_HTTP_FIELDS_MAX */
    const void *body; /* not NULL: a POST with these bytes; `content_type` says what they are */
    size_t body_len;
    const char *content_type;
    int64_t from;        /* > 0: a Range header asks for the bytes from here on */
    const char *ca_file; /* then the system's do not count; NULL or "" = the system's */
    bool internal;       /* see above */
    bool bulk;           /* may take long */
    int64_t max_bytes;   /* of the body; a longer one fails with SK_RESOURCE_EXHAUSTED; 0 = none expected */
    /* > 0; without an answer, or `least` more bytes of its body, for so long: SK_UNAVAILABLE; also the limit
     * of the connect. */
    struct sk_duration stall;
    int64_t least; /* 0 = any */
};

/* What came before the body. Borrowed for the callback. */
struct sk_http_head {
    int status;           /* of the last response; 1xx are not reported */
    int64_t length;       /* Content-Length, -1 = not said */
    int64_t range_from;   /* Content-Range's begin, -1 = none */
    const char *location; /* these NULL when absent, and cut at 8 KiB */
    const char *content_type;
    const char *content_digest; /* Docker-Content-Digest */
    const char *authenticate;   /* WWW-Authenticate; several joined by ", " */
    int64_t retry_after_s;      /* Retry-After as seconds from now, -1 = not said */
};

struct sk_http_events {
    /* Once, before any body. */
    void (*on_head)(void *arg, const struct sk_http_head *head);
    /* A piece of the body; at most 512 KiB. After sk_http_pause no further one comes until sk_http_resume. */
    void (*on_data)(void *arg, const uint8_t *data, size_t len);
    /* Over, whatever the status was; the last callback; it comes while paused too, when no piece is left.
     * err (its sentence begins with the host, if one was asked): no complete response: SK_UNAVAILABLE (DNS,
     * connect, TLS handshake, reset, stall, shorter than announced), SK_PERMISSION_DENIED (a forbidden
     * address), SK_RESOURCE_EXHAUSTED (a body longer than allowed, a header without end),
     * SK_FAILED_PRECONDITION (the certificate is not trusted; not HTTP), SK_INVALID_ARGUMENT (no URL; what no
     * header may have). */
    void (*on_end)(void *arg, const struct sk_err *err);
};

/* Never NULL. No callback inside this call. */
struct sk_http_transfer *sk_http_start(struct sk_http *http, const struct sk_http_request *request,
                                       const struct sk_http_events *events, void *arg);
void sk_http_pause(struct sk_http_transfer *transfer);
void sk_http_resume(struct sk_http_transfer *transfer);
/* No callback afterwards; owed for every transfer, after on_end too; fine inside any of its callbacks. NULL
 * is fine. */
void sk_http_close(struct sk_http_transfer *transfer);

#endif
