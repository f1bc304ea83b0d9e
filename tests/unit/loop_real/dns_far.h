/* dns_far.h: for the tests of drivers/dns: a resolver on the test's own loop,
 * by UDP and TCP, which answers as its pages say, truly or not. All static:
 * one program includes it once. */
#ifndef SK_TESTS_DNS_FAR_H
#define SK_TESTS_DNS_FAR_H

#include "drivers/dns/frame.h"
#include "drivers/dns/peer.h"
#include "loop/loop.h"
#include "net/dns_message.h"
#include "net/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define UNUSED __attribute__((unused))

enum { SEEN_MAX = 4096 };

struct far;

/* One question to it. */
struct asked {
    struct far *far;
    struct sk_dns_question question;
    bool by_tcp;
    int fd;
    struct sockaddr_storage from;
};

/* "*" in front: any name that ends so; NULL: all others. */
struct page {
    const char *name;
    void (*answer)(const struct asked *asked);
};

struct far {
    struct sk_loop *loop;
    struct sk_ip ip;
    uint16_t port;
    char text[SK_IP_TEXT_MAX + 10]; /* for the options */
    const struct page *pages;
    int udp, listener;
    struct sk_watch *udp_watch, *listener_watch;
    struct sk_list talks;
    size_t by_udp, by_tcp;
    uint16_t ports[SEEN_MAX], ids[SEEN_MAX]; /* of questions by UDP */
    bool all_had_edns;
};

struct talk {
    struct far *far;
    struct sk_list link;
    int fd;
    struct sk_watch *watch;
    struct sk_dns_frame frame;
};

/* --- what it says ------------------------------------------------------------------------- */

static uint8_t far_bytes[70000];

/* The head of an answer to that question, and the question itself. */
static struct sk_dns_writer reply_begin(const struct asked *asked, unsigned flags, unsigned answers,
                                        unsigned authorities)
{
    struct sk_dns_writer w = {far_bytes + SK_DNS_FRAME_HEAD, sizeof(far_bytes) - SK_DNS_FRAME_HEAD, 0, false};
    struct sk_dns_header h = {.id = asked->question.id, .flags = (uint16_t)(0x8180 | flags), .questions = 1};
    h.answers = (uint16_t)answers;
    h.authorities = (uint16_t)authorities;
    sk_dns_write_header(&w, &h);
    sk_dns_write_name(&w, asked->question.name);
    sk_dns_write_u16(&w, asked->question.type);
    sk_dns_write_u16(&w, SK_DNS_CLASS_IN);
    return w;
}

static void reply_record(struct sk_dns_writer *w, const char *owner, unsigned type, unsigned ttl,
                         const void *data, size_t len)
{
    sk_dns_write_name(w, owner);
    sk_dns_write_u16(w, type);
    sk_dns_write_u16(w, SK_DNS_CLASS_IN);
    sk_dns_write_u32(w, ttl);
    sk_dns_write_u16(w, (unsigned)len);
    sk_dns_write(w, data, len);
}

static UNUSED void reply_alias(struct sk_dns_writer *w, const char *from, const char *to, unsigned ttl)
{
    uint8_t data[SK_DOMAIN_MAX + 1];
    struct sk_dns_writer target = {data, sizeof(data), 0, false};
    sk_dns_write_name(&target, to);
    reply_record(w, from, SK_DNS_CNAME, ttl, data, target.len);
}

static UNUSED void reply_ip(struct sk_dns_writer *w, const char *owner, unsigned ttl, const char *text)
{
    uint8_t raw[16] = {0};
    bool is_v6 = strchr(text, ':') != NULL;
    (void)inet_pton(is_v6 ? AF_INET6 : AF_INET, text, raw);
    reply_record(w, owner, is_v6 ? SK_DNS_AAAA : SK_DNS_A, ttl, raw, is_v6 ? 16 : 4);
}

static void reply_bytes(const struct asked *asked, const void *data, size_t len)
{
    if (asked->by_tcp)
        (void)send(asked->fd, data, len, MSG_NOSIGNAL);
    else
        (void)sendto(asked->fd, data, len, 0, (const struct sockaddr *)&asked->from,
                     asked->from.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                       : sizeof(struct sockaddr_in));
}

static void reply_send(const struct asked *asked, const struct sk_dns_writer *w)
{
    sk_dns_frame_write_head(w->len, far_bytes);
    if (asked->by_tcp)
        reply_bytes(asked, far_bytes, SK_DNS_FRAME_HEAD + w->len);
    else
        reply_bytes(asked, w->out, w->len);
}

/* One address of the family asked for. */
static UNUSED void reply_one(const struct asked *asked, const char *v4, const char *v6)
{
    struct sk_dns_writer w = reply_begin(asked, 0, 1, 0);
    reply_ip(&w, asked->question.name, 300, asked->question.type == SK_DNS_AAAA ? v6 : v4);
    reply_send(asked, &w);
}

static UNUSED void reply_code(const struct asked *asked, unsigned rcode)
{
    struct sk_dns_writer w = reply_begin(asked, rcode, 0, 0);
    reply_send(asked, &w);
}

static UNUSED void say_truth(const struct asked *asked)
{
    reply_one(asked, "1.2.3.4", "2600::1");
}

static UNUSED void say_nothing(const struct asked *asked)
{
    (void)asked;
}

/* --- what it hears ---------------------------------------------------------------------------- */

static bool far_matches(const char *pattern, const char *name)
{
    size_t len = strlen(name), tail = strlen(pattern + (*pattern == '*'));
    if (*pattern == '*')
        return len >= tail && strcmp(name + len - tail, pattern + 1) == 0;
    return strcmp(pattern, name) == 0;
}

static void far_answer(const struct asked *asked)
{
    const struct page *page = asked->far->pages;
    while (page->name && !far_matches(page->name, asked->question.name))
        page++;
    if (page->answer)
        page->answer(asked);
}

static bool far_read(struct far *far, const uint8_t *data, size_t len, struct asked *asked)
{
    asked->far = far;
    if (sk_dns_read_question(data, len, &asked->question, NULL) != SK_OK)
        return false;
    far->all_had_edns = far->all_had_edns && asked->question.has_edns &&
                        asked->question.udp_size == SK_DNS_UDP_MAX && asked->question.recursion_desired;
    return true;
}

static void far_on_udp(void *arg, unsigned events)
{
    struct far *far = arg;
    struct asked asked = {.fd = far->udp};
    uint8_t data[2048];
    socklen_t len = sizeof(asked.from);
    (void)events;
    ssize_t got = recvfrom(far->udp, data, sizeof(data), 0, (struct sockaddr *)&asked.from, &len);
    if (got < 0 || !far_read(far, data, (size_t)got, &asked))
        return;
    far->ports[far->by_udp % SEEN_MAX] = sk_dns_peer_of(&asked.from).port;
    far->ids[far->by_udp++ % SEEN_MAX] = asked.question.id;
    far_answer(&asked);
}

static void talk_end(struct talk *talk)
{
    sk_watch_close(talk->watch);
    sk_close_fd(&talk->fd);
    sk_list_remove(&talk->link);
    sk_dns_frame_clear(&talk->frame);
    free(talk);
}

static void far_on_talk(void *arg, unsigned events)
{
    struct talk *talk = arg;
    struct asked asked = {.fd = talk->fd, .by_tcp = true};
    size_t room;
    uint8_t *at = sk_dns_frame_room(&talk->frame, &room);
    ssize_t got = recv(talk->fd, at, room, 0);
    (void)events;
    if (got <= 0 || !sk_dns_frame_add(&talk->frame, (size_t)got)) {
        talk_end(talk);
        return;
    }
    if (!sk_dns_frame_is_whole(&talk->frame))
        return;
    if (far_read(talk->far, talk->frame.body, talk->frame.body_len, &asked)) {
        talk->far->by_tcp++;
        far_answer(&asked);
    }
    sk_dns_frame_clear(&talk->frame);
}

static void far_on_listener(void *arg, unsigned events)
{
    struct far *far = arg;
    int fd = accept4(far->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)events;
    if (fd < 0)
        return;
    struct talk *talk = sk_alloc(sizeof(*talk));
    talk->far = far;
    talk->fd = fd;
    talk->frame.max = 4096;
    sk_list_append(&far->talks, &talk->link);
    if (sk_watch_open(far->loop, fd, far_on_talk, talk, &talk->watch, NULL) != SK_OK)
        abort();
    sk_watch_set(talk->watch, SK_READABLE);
}

/* --- open, close ---------------------------------------------------------------------------------- */

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return sk_dns_peer_of(&address).port;
}

/* -1: it cannot be had. */
static int bound_socket(const struct sk_ip *ip, int type, uint16_t port)
{
    struct sk_dns_peer at = {*ip, port};
    struct sockaddr_storage address;
    const int on = 1;
    socklen_t len = sk_dns_peer_address(&at, &address);
    int fd = socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* A number that both transports have free there. */
static void bound_pair(const struct sk_ip *ip, int *out_udp, int *out_tcp)
{
    for (int tries = 0; tries < 100; tries++) {
        *out_udp = bound_socket(ip, SOCK_DGRAM, 0);
        assert_true(*out_udp >= 0);
        *out_tcp = bound_socket(ip, SOCK_STREAM, bound_port(*out_udp));
        if (*out_tcp >= 0)
            return;
        (void)close(*out_udp);
    }
    fail_msg("no port is free");
}

static struct sk_ip ip_of(const char *text)
{
    struct sk_ip ip = {0};
    assert_int_equal(sk_ip_parse(text, &ip, NULL), SK_OK);
    return ip;
}

static struct sk_watch *watch_readable(struct sk_loop *loop, int fd, void (*fn)(void *, unsigned), void *arg)
{
    struct sk_watch *watch;
    assert_int_equal(sk_watch_open(loop, fd, fn, arg, &watch, NULL), SK_OK);
    sk_watch_set(watch, SK_READABLE);
    return watch;
}

static void far_start(struct far *far, struct sk_loop *loop, const char *ip, const struct page *pages)
{
    far->loop = loop;
    far->pages = pages;
    far->all_had_edns = true;
    sk_list_init(&far->talks);
    far->port = bound_port(far->udp);
    (void)snprintf(far->text, sizeof(far->text), far->ip.is_v6 ? "[%s]:%u" : "%s:%u", ip, far->port);
    assert_int_equal(listen(far->listener, 64), 0);
    far->udp_watch = watch_readable(loop, far->udp, far_on_udp, far);
    far->listener_watch = watch_readable(loop, far->listener, far_on_listener, far);
}

static void far_open(struct far *far, struct sk_loop *loop, const char *ip, const struct page *pages)
{
    *far = (struct far){.ip = ip_of(ip)};
    bound_pair(&far->ip, &far->udp, &far->listener);
    far_start(far, loop, ip, pages);
}

/* False: that port cannot be had. */
static UNUSED bool far_open_at(struct far *far, struct sk_loop *loop, const char *ip, uint16_t port,
                               const struct page *pages)
{
    *far = (struct far){.ip = ip_of(ip)};
    far->udp = bound_socket(&far->ip, SOCK_DGRAM, port);
    far->listener = far->udp >= 0 ? bound_socket(&far->ip, SOCK_STREAM, port) : -1;
    if (far->listener < 0) {
        sk_close_fd(&far->udp);
        return false;
    }
    far_start(far, loop, ip, pages);
    return true;
}

static UNUSED void far_stop_udp(struct far *far)
{
    sk_watch_close(sk_take(far->udp_watch));
    sk_close_fd(&far->udp);
}

static UNUSED void far_stop_tcp(struct far *far)
{
    sk_watch_close(sk_take(far->listener_watch));
    sk_close_fd(&far->listener);
}

static void far_close(struct far *far)
{
    sk_list_each(&far->talks, node) talk_end(sk_list_entry(node, struct talk, link));
    far_stop_udp(far);
    far_stop_tcp(far);
}

#endif
