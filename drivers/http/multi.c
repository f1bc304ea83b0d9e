#include "drivers/http/multi.h"

#include <assert.h>

struct watched {
    struct sk_multi *multi;
    curl_socket_t fd;
    struct sk_watch *watch;
    struct sk_list link;
};

/* --- calling curl ----------------------------------------------------------- */

/* Curl is off the stack: what was put off is done, what is over is told. */
static void settle(struct sk_multi *multi)
{
    const CURLMsg *message;
    int left;
    multi->on_return(multi->arg);
    while ((message = curl_multi_info_read(multi->curl, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message goes with the handle */
        sk_multi_remove(multi, easy);
        multi->on_done(multi->arg, easy, result);
    }
}

static void act(struct sk_multi *multi, curl_socket_t fd, int events)
{
    int running;
    multi->inside = true;
    CURLMcode failed = curl_multi_socket_action(multi->curl, fd, events, &running);
    multi->inside = false;
    assert(!failed); /* it has no other cause than misuse */
    (void)failed;
    settle(multi);
}

void sk_multi_add(struct sk_multi *multi, CURL *easy)
{
    CURLMcode failed = curl_multi_add_handle(multi->curl, easy);
    assert(!failed);
    (void)failed;
}

void sk_multi_remove(struct sk_multi *multi, CURL *easy)
{
    assert(!multi->inside);
    CURLMcode failed = curl_multi_remove_handle(multi->curl, easy);
    assert(!failed);
    (void)failed;
}

void sk_multi_unpause(struct sk_multi *multi, CURL *easy)
{
    multi->inside = true;
    CURLcode result = curl_easy_pause(easy, CURLPAUSE_CONT);
    multi->inside = false;
    if (result) { /* curl itself would go on */
        sk_multi_remove(multi, easy);
        multi->on_done(multi->arg, easy, result);
    }
    settle(multi);
}

/* --- sockets ---------------------------------------------------------------- */

static void on_ready(void *arg, unsigned events)
{
    const struct watched *watched = arg;
    int ready = (events & SK_READABLE ? CURL_CSELECT_IN : 0) | (events & SK_WRITABLE ? CURL_CSELECT_OUT : 0);
    act(watched->multi, watched->fd, ready);
}

static struct watched *find(struct sk_multi *multi, curl_socket_t fd)
{
    sk_list_each(&multi->sockets, node)
    {
        struct watched *watched = sk_list_entry(node, struct watched, link);
        if (watched->fd == fd)
            return watched;
    }
    return NULL;
}

static void unwatch(struct watched *watched)
{
    if (!watched)
        return;
    sk_watch_close(watched->watch);
    sk_list_remove(&watched->link);
    free(watched);
}

/* NULL when the system has no room: then the transfer stalls, and ends so. */
static struct watched *watch(struct sk_multi *multi, curl_socket_t fd)
{
    struct watched *watched = sk_alloc(sizeof(*watched));
    *watched = (struct watched){.multi = multi, .fd = fd};
    if (sk_watch_open(multi->loop, fd, on_ready, watched, &watched->watch, NULL) != SK_OK) {
        free(watched);
        return NULL;
    }
    sk_list_append(&multi->sockets, &watched->link);
    return watched;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct sk_multi *multi = arg;
    struct watched *watched = find(multi, fd);
    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        unwatch(watched);
        return 0;
    }
    watched = watched ? watched : watch(multi, fd);
    unsigned events = (what & CURL_POLL_IN ? SK_READABLE : 0) | (what & CURL_POLL_OUT ? SK_WRITABLE : 0);
    if (watched)
        sk_watch_set(watched->watch, events);
    return 0;
}

int sk_multi_close_socket(void *multi, curl_socket_t fd)
{
    unwatch(find(multi, fd)); /* the number may come back at once, as another socket's */
    return close(fd);
}

/* --- time ------------------------------------------------------------------- */

static void on_time(struct sk_timer *timer)
{
    act(sk_container_of(timer, struct sk_multi, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *curl, long ms, void *arg)
{
    struct sk_multi *multi = arg;
    (void)curl;
    if (ms < 0)
        sk_timer_stop(multi->loop, &multi->timer);
    else
        sk_timer_start(multi->loop, &multi->timer, sk_instant_add(sk_loop_now(multi->loop), SK_MSEC(ms)),
                       on_time);
    return 0;
}

/* --- open, close ------------------------------------------------------------ */

enum sk_code sk_multi_open(struct sk_multi *multi, long idle_max, struct sk_err *err)
{
    sk_list_init(&multi->sockets);
    multi->curl = curl_multi_init();
    if (!multi->curl)
        return sk_fail(err, SK_INTERNAL, "libcurl does not start");
    (void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, idle_max);
    return SK_OK;
}

void sk_multi_close(struct sk_multi *multi)
{
    if (!multi->curl)
        return;
    CURLMcode failed = curl_multi_cleanup(sk_take(multi->curl));
    assert(!failed && sk_list_is_empty(&multi->sockets));
    (void)failed;
    sk_timer_stop(multi->loop, &multi->timer);
}
