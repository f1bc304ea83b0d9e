/* multi.h: curl's multi handle on the loop: its sockets watched, its timer
 * kept (libcurl, curl_multi_socket_action). While curl is on the stack it must
 * not be called again: `inside` tells, on_return comes when that is over.
 *
 * Threads: loop only. */
#ifndef SK_MULTI_H
#define SK_MULTI_H

#include "loop/loop.h"

#include <curl/curl.h>
#include <stdbool.h>

struct sk_multi {
    /* The owner's, set before opening. */
    struct sk_loop *loop;
    void (*on_return)(void *arg);
    void (*on_done)(void *arg, CURL *easy, CURLcode result); /* it has been removed already */
    void *arg;

    CURLM *curl;
    struct sk_timer timer;
    struct sk_list sockets;
    bool inside;
};

/* idle_max: connections kept for later. */
SK_MUST_CHECK enum sk_code sk_multi_open(struct sk_multi *multi, long idle_max, struct sk_err *err);
/* No easy handle may be in it. */
void sk_multi_close(struct sk_multi *multi);

/* These not inside. No callback inside the first two. */
void sk_multi_add(struct sk_multi *multi, CURL *easy);
void sk_multi_remove(struct sk_multi *multi, CURL *easy); /* harmless when it is not there */
/* Goes on with what a write function held up; its data may come at once. */
void sk_multi_unpause(struct sk_multi *multi, CURL *easy);

/* For CURLOPT_CLOSESOCKETFUNCTION; the data is the multi. */
int sk_multi_close_socket(void *multi, curl_socket_t fd);

#endif
