#include "drivers/dns/lookup.h"

#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A cut answer is asked for by TCP, but nobody needs one that is longer than this. */
enum { ROUNDS = 3, OTHERS_MAX = 16, ANSWER_MAX = 16384 };

static void on_ready(void *arg, unsigned events);
static void on_time(struct sk_timer *timer);

/* --- a try --------------------------------------------------------------------------- */

static void hang_up(struct sk_dns_lookup *lookup)
{
    sk_watch_close(sk_take(lookup->watch));
    sk_close_fd(&lookup->fd);
    sk_dns_frame_clear(&lookup->frame);
}

static void finish(struct sk_dns_lookup *lookup, struct sk_dns_answer *answer)
{
    sk_dns_lookup_stop(lookup);
    lookup->fn(lookup, answer);
}

/* The next try begins in the next turn. */
static void try_later(struct sk_dns_lookup *lookup)
{
    hang_up(lookup);
    sk_timer_start(lookup->loop, &lookup->timer, sk_loop_now(lookup->loop), on_time);
}

/* The resolver had its chance. */
static void give_up(struct sk_dns_lookup *lookup, bool answered)
{
    sk_dns_upstreams_note(lookup->upstreams, &lookup->peer, sk_loop_now(lookup->loop), answered);
    try_later(lookup);
}

/* False: the system has no room. */
static bool open_socket(struct sk_dns_lookup *lookup)
{
    int type = (lookup->by_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    lookup->fd = socket(lookup->peer.ip.is_v6 ? AF_INET6 : AF_INET, type, 0);
    return lookup->fd >= 0 &&
           sk_watch_open(lookup->loop, lookup->fd, on_ready, lookup, &lookup->watch, NULL) == SK_OK;
}

/* So the kernel drops what others send, and says when nobody listens. False: there is no way to it. */
static bool call(struct sk_dns_lookup *lookup)
{
    struct sockaddr_storage address;
    socklen_t len = sk_dns_peer_address(&lookup->peer, &address);
    return connect(lookup->fd, (const struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS;
}

static void send_question(struct sk_dns_lookup *lookup)
{
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    size_t len = sk_dns_write_question(&lookup->question, lookup->id, data + SK_DNS_FRAME_HEAD);
    size_t from = lookup->by_tcp ? lookup->sent : SK_DNS_FRAME_HEAD;
    sk_dns_frame_write_head(len, data);
    len += SK_DNS_FRAME_HEAD;
    ssize_t sent = send(lookup->fd, data + from, len - from, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent < 0) {
        give_up(lookup, false);
        return;
    }
    lookup->sent = from + (size_t)sent;
    if (lookup->sent == len)
        sk_watch_set(lookup->watch, SK_READABLE);
}

static void try_it(struct sk_dns_lookup *lookup, bool by_tcp)
{
    struct sk_instant now = sk_loop_now(lookup->loop);
    lookup->by_tcp = by_tcp;
    lookup->others = 0;
    lookup->sent = 0;
    sk_random(&lookup->id, sizeof(lookup->id));
    if (!open_socket(lookup)) {
        try_later(lookup);
        return;
    }
    if (!call(lookup)) {
        give_up(lookup, false);
        return;
    }
    sk_timer_start(lookup->loop, &lookup->timer,
                   sk_instant_min(sk_instant_add(now, lookup->one_try), lookup->until), on_time);
    if (by_tcp)
        sk_watch_set(lookup->watch, SK_WRITABLE);
    else
        send_question(lookup);
}

static void try_next(struct sk_dns_lookup *lookup)
{
    struct sk_instant now = sk_loop_now(lookup->loop);
    bool found = now.ns < lookup->until.ns;
    found = found && sk_dns_upstreams_pick(lookup->upstreams, now, &lookup->tried, &lookup->peer);
    if (!found && now.ns < lookup->until.ns && ++lookup->rounds < ROUNDS) {
        lookup->tried = 0;
        found = sk_dns_upstreams_pick(lookup->upstreams, now, &lookup->tried, &lookup->peer);
    }
    if (found)
        try_it(lookup, false);
    else
        finish(lookup, NULL);
}

static void on_time(struct sk_timer *timer)
{
    struct sk_dns_lookup *lookup = sk_container_of(timer, struct sk_dns_lookup, timer);
    if (lookup->fd >= 0)
        give_up(lookup, false);
    else
        try_next(lookup);
}

static void try_by_tcp(struct sk_dns_lookup *lookup)
{
    hang_up(lookup);
    try_it(lookup, true);
}

/* --- answers --------------------------------------------------------------------------- */

static void take_answer(struct sk_dns_lookup *lookup, struct sk_dns_answer *answer)
{
    bool is_final = answer->rcode == SK_DNS_NOERROR || answer->rcode == SK_DNS_NXDOMAIN;
    if (answer->truncated && !lookup->by_tcp) {
        try_by_tcp(lookup);
    } else if (answer->truncated || !is_final) {
        lookup->rounds = ROUNDS; /* the others may know more, but none will know more than now */
        give_up(lookup, true);
    } else {
        sk_dns_upstreams_note(lookup->upstreams, &lookup->peer, sk_loop_now(lookup->loop), true);
        finish(lookup, answer);
    }
}

static bool read_answer(struct sk_dns_lookup *lookup, const uint8_t *data, size_t len,
                        struct sk_dns_answer *out_answer)
{
    return sk_dns_read_answer(data, len, lookup->id, &lookup->question, out_answer, NULL) == SK_OK;
}

/* What does not answer the question may be somebody's guess; the true answer may still come. */
static void receive_datagram(struct sk_dns_lookup *lookup)
{
    struct sk_dns_answer answer;
    uint8_t data[SK_DNS_UDP_MAX + 1];
    ssize_t got = recv(lookup->fd, data, sizeof(data), MSG_TRUNC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0)
        give_up(lookup, false);
    else if ((size_t)got < sizeof(data) && read_answer(lookup, data, (size_t)got, &answer))
        take_answer(lookup, &answer);
    else if (++lookup->others > OTHERS_MAX)
        try_by_tcp(lookup);
}

static void receive_piece(struct sk_dns_lookup *lookup)
{
    struct sk_dns_answer answer;
    size_t room;
    uint8_t *at = sk_dns_frame_room(&lookup->frame, &room);
    ssize_t got = recv(lookup->fd, at, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !sk_dns_frame_add(&lookup->frame, (size_t)got)) {
        give_up(lookup, false);
        return;
    }
    if (!sk_dns_frame_is_whole(&lookup->frame))
        return;
    if (read_answer(lookup, lookup->frame.body, lookup->frame.body_len, &answer))
        take_answer(lookup, &answer);
    else
        give_up(lookup, false);
}

/* --- readiness --------------------------------------------------------------------------- */

static void on_ready(void *arg, unsigned events)
{
    struct sk_dns_lookup *lookup = arg;
    if (events & SK_WRITABLE)
        send_question(lookup);
    else if (lookup->by_tcp)
        receive_piece(lookup);
    else
        receive_datagram(lookup);
}

/* --- start, stop ----------------------------------------------------------------------------- */

void sk_dns_lookup_start(struct sk_dns_lookup *lookup, const struct sk_dns_question *question)
{
    struct sk_instant now = sk_loop_now(lookup->loop);
    lookup->question = *question;
    lookup->question.recursion_desired = true;
    lookup->until = sk_instant_add(now, lookup->whole);
    lookup->fd = -1;
    lookup->frame.max = ANSWER_MAX;
    sk_timer_start(lookup->loop, &lookup->timer, now, on_time);
}

void sk_dns_lookup_stop(struct sk_dns_lookup *lookup)
{
    hang_up(lookup);
    sk_timer_stop(lookup->loop, &lookup->timer);
}
