/* transfer.h: one request on its way, and what it shares with the others;
 * for http.c and transfer.c alone.
 *
 * waiting -> running (in curl's hands) -> over (told) -> closed. Closing
 * inside one of curl's callbacks only marks it; it is freed when curl
 * has returned. */
#ifndef SK_TRANSFER_H
#define SK_TRANSFER_H

#include "drivers/http/head.h"
#include "drivers/http/multi.h"

#include <sys/socket.h>

struct sk_http {
    struct sk_loop *loop;
    const struct sk_log *log;
    char *proxy;
    size_t max_running;
    /* By `internal`: a connection to an internal address must never serve a request that may not go there,
     * and within one multi handle curl reuses what fits by name. */
    struct sk_multi multis[2];
    struct sk_list waiting, active;
    struct sk_list doomed; /* closed while curl was on the stack */
    size_t running;        /* active ones */
    size_t alive;          /* transfers not freed */
    struct sk_task admit;
};

struct sk_http_transfer {
    struct sk_http *http;
    struct sk_multi *multi;
    struct sk_http_events events;
    void *arg;
    struct sk_list link; /* among the waiting, the active or the doomed */
    bool running, closed;

    CURL *easy;
    struct curl_slist *fields;     /* of the request's header */
    char *site;                    /* "host[:port]", for sentences; NULL when the URL is none */
    char trouble[CURL_ERROR_SIZE]; /* what curl says about it */
    bool internal, bulk;
    int64_t max_bytes, received;
    struct sk_head head;

    struct sk_duration stall;
    int64_t least, since;        /* bytes that must come meanwhile; that have come */
    struct sk_instant last_byte; /* that counts */
    struct sk_timer stalled;

    bool paused; /* as the owner wants it */
    bool held;   /* curl holds bytes back, since the owner wanted it */
    struct sk_task resume;

    struct sk_err err;     /* ours; it goes before what curl says */
    struct sk_err refused; /* an address was not allowed; counts when no other one was tried */
    bool tried;
};

/* Whether curl may not be called now. */
bool sk_http_is_inside(const struct sk_http *http);
/* Waiting ones are begun in the next turn, if there is room. */
void sk_http_admit_later(struct sk_http *http);

/* Hands it to curl; not inside. Tells its end at once if it cannot work. */
void sk_transfer_begin(struct sk_http_transfer *transfer);
/* Curl is through with it. */
void sk_transfer_done(struct sk_http_transfer *transfer, CURLcode result);
/* Whether a socket may be made to there; else transfer->refused says why. */
bool sk_transfer_may_reach(struct sk_http_transfer *transfer, const struct sockaddr *address, socklen_t len);
/* Not inside. */
void sk_transfer_free(struct sk_http_transfer *transfer);

#endif
