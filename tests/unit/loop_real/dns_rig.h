/* dns_rig.h: for the tests of drivers/dns: a forwarder on 127.0.0.1 and ::1
 * between askers, which are plain sockets, and two resolvers (dns_far.h). What
 * core would be asked and told is written down. All static: one program
 * includes it once. */
#ifndef SK_TESTS_DNS_RIG_H
#define SK_TESTS_DNS_RIG_H

#include "drivers/dns/dns.h"
#include "tests/support/wait.h"
#include "tests/unit/loop_real/dns_far.h"

#include <errno.h>

/* Turns of the loop, each of a millisecond or more, that a test waits for what must come. */
enum { PATIENCE = 60000, HASTE_MS = 150 };

enum grant_mode { GRANT, GRANT_NOT, GRANT_WHEN_TOLD };

struct rig {
    struct sk_loop *loop;
    struct far far[2];
    struct sk_dns *dns;
    uint16_t port;

    enum grant_mode mode;
    struct sk_done *held; /* told by the test */
    size_t asked, granted, cancelled;
    size_t refused, rate, private, upstream; /* denied */
    char asked_name[SK_DOMAIN_MAX], denied_name[SK_DOMAIN_MAX];
    struct sk_ip granted_to;
    struct sk_network_grant grants[SK_DNS_ADDRESSES_MAX];
    size_t grant_count;
};

/* --- core's part ----------------------------------------------------------------------- */

/* Names say what they may; 127.0.0.66 is nobody's. */
static enum sk_name_leave on_may_ask(void *arg, const struct sk_ip *asker, const char *name)
{
    struct rig *rig = arg;
    rig->asked++;
    (void)snprintf(rig->asked_name, sizeof(rig->asked_name), "%s", name);
    if (!asker->is_v6 && asker->bytes[3] == 66)
        return SK_NAME_IGNORED;
    if (strncmp(name, "refused", 7) == 0)
        return SK_NAME_REFUSED;
    return strncmp(name, "granted", 7) == 0 ? SK_NAME_GRANTED : SK_NAME_ANSWERED;
}

static void on_cancel(struct sk_done *done)
{
    struct rig *rig = done->callee;
    struct sk_err err;
    rig->cancelled++;
    rig->held = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "nobody waits for it");
    sk_done_later(rig->loop, done, &err);
}

static void on_granted(void *arg, const struct sk_ip *asker, const char *name,
                       const struct sk_network_grant *grants, size_t count, struct sk_done *done)
{
    struct rig *rig = arg;
    struct sk_err err;
    (void)name;
    (void)sk_fail(&err, SK_NOT_FOUND, "it has gone");
    rig->granted++;
    rig->granted_to = *asker;
    rig->grant_count = count;
    memcpy(rig->grants, grants, count * sizeof(*grants));
    if (rig->mode == GRANT_WHEN_TOLD) {
        rig->held = done;
        done->callee = rig;
        done->cancel = on_cancel;
        return;
    }
    sk_done_later(rig->loop, done, rig->mode == GRANT ? NULL : &err);
}

static void on_denied(void *arg, const struct sk_ip *asker, const char *name, const char *why)
{
    struct rig *rig = arg;
    (void)asker;
    (void)snprintf(rig->denied_name, sizeof(rig->denied_name), "%s", name);
    rig->refused += strcmp(why, "refused") == 0;
    rig->rate += strcmp(why, "rate") == 0;
    rig->private += strcmp(why, "private") == 0;
    rig->upstream += strcmp(why, "upstream") == 0;
}

static const struct sk_names_events rig_events = {on_may_ask, on_granted, on_denied};

/* --- the whole ------------------------------------------------------------------------------ */

static const char *const rig_internal[] = {"*.lan.test"};

/* All the time in the world, unless the test says otherwise: a machine that stands still for a while then
 * changes nothing. */
static struct sk_dns_options rig_options(const struct rig *rig, const struct sk_ip listen[2],
                                         const char *upstreams[2])
{
    upstreams[0] = rig->far[0].text;
    upstreams[1] = rig->far[1].text;
    return (struct sk_dns_options){
        .listen = listen,
        .listen_count = 2,
        .port = rig->port,
        .upstreams = upstreams,
        .upstream_count = 2,
        .internal_names = rig_internal,
        .internal_name_count = 1,
        .limits = {.one_try = SK_SEC(240), .whole = SK_SEC(240), .idle = SK_SEC(240)},
    };
}

/* For resolvers that say nothing. */
static UNUSED void rig_hasty(struct sk_dns_options *options)
{
    options->limits.one_try = SK_MSEC(HASTE_MS);
}

/* At a port that was free a moment ago, on 127.0.0.1. */
static enum sk_code rig_try(struct rig *rig, void (*adapt)(struct sk_dns_options *options),
                            struct sk_err *err)
{
    struct sk_ip listen[2] = {ip_of("127.0.0.1"), ip_of("::1")};
    const char *upstreams[2];
    int udp, tcp;
    bound_pair(&listen[0], &udp, &tcp);
    rig->port = bound_port(udp);
    (void)close(udp);
    (void)close(tcp);
    struct sk_dns_options options = rig_options(rig, listen, upstreams);
    if (adapt)
        adapt(&options);
    return sk_dns_open(rig->loop, NULL, &options, &rig->dns, err);
}

/* adapt may change the options; it may be NULL. */
static void rig_open(struct rig *rig, const struct page *pages, void (*adapt)(struct sk_dns_options *options))
{
    struct sk_err err;
    *rig = (struct rig){0};
    assert_int_equal(sk_loop_new(&rig->loop, &err), SK_OK);
    far_open(&rig->far[0], rig->loop, "127.0.0.2", pages);
    far_open(&rig->far[1], rig->loop, "::1", pages);
    enum sk_code code = SK_UNKNOWN;
    for (int tries = 0; tries < 20 && code != SK_OK; tries++)
        code = rig_try(rig, adapt, &err);
    if (code != SK_OK)
        fail_msg("%s", err.text);
    sk_dns_base(rig->dns)->ops->listen(sk_dns_base(rig->dns), &rig_events, rig);
}

static void rig_close_dns(struct rig *rig)
{
    struct sk_wait wait;
    sk_wait_init(&wait, rig->loop);
    sk_dns_close(sk_take(rig->dns), &wait.done);
    assert_int_equal(sk_wait(&wait), SK_OK);
}

static void rig_close(struct rig *rig)
{
    if (rig->dns)
        rig_close_dns(rig);
    far_close(&rig->far[0]);
    far_close(&rig->far[1]);
    sk_loop_free(rig->loop);
}

/* --- time ------------------------------------------------------------------------------------- */

struct rig_wake {
    struct sk_loop *loop;
    struct sk_timer timer;
};

static void on_wake(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct rig_wake, timer)->loop);
}

static void rig_run_for(struct rig *rig, int ms)
{
    struct rig_wake wake = {.loop = rig->loop};
    sk_timer_start(rig->loop, &wake.timer, sk_instant_add(sk_clock_boot(), SK_MSEC(ms)), on_wake);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &wake.timer);
}

/* Whole seconds since then, the one that has begun included. */
static UNUSED size_t seconds_since(struct sk_instant then)
{
    return (size_t)(sk_duration_ms(sk_instant_diff(sk_clock_boot(), then)) / 1000 + 1);
}

/* Until *count is `want` at least; false: not in a while. */
static UNUSED bool rig_await(struct rig *rig, const size_t *count, size_t want)
{
    for (int turns = 0; *count < want && turns < PATIENCE; turns++)
        rig_run_for(rig, 1);
    return *count >= want;
}

/* --- askers -------------------------------------------------------------------------------------- */

/* Connected to the forwarder, from that address. */
static int asker_open(const struct rig *rig, const char *from, int type)
{
    struct sk_ip ip = ip_of(from);
    struct sk_dns_peer to = {ip_of(ip.is_v6 ? "::1" : "127.0.0.1"), rig->port};
    struct sockaddr_storage address;
    socklen_t len = sk_dns_peer_address(&to, &address);
    int fd = bound_socket(&ip, type, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, len))
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static struct sk_dns_question question_of(const char *name, unsigned type)
{
    struct sk_dns_question q = {.type = (uint16_t)type, .recursion_desired = true, .udp_size = 512};
    (void)snprintf(q.name, sizeof(q.name), "%s", name);
    return q;
}

/* With the length in front, for both kinds of sockets; returns the length without. */
static size_t ask_bytes(const char *name, unsigned type, uint16_t id, uint8_t out[SK_DNS_FRAME_HEAD + 512])
{
    struct sk_dns_question q = question_of(name, type);
    size_t len = sk_dns_write_question(&q, id, out + SK_DNS_FRAME_HEAD);
    sk_dns_frame_write_head(len, out);
    return len;
}

static void ask_udp(int fd, const char *name, unsigned type, uint16_t id)
{
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    size_t len = ask_bytes(name, type, id, data);
    assert_int_equal(send(fd, data + SK_DNS_FRAME_HEAD, len, 0), len);
}

/* The next datagram, or -1 when there is none in that time. */
static ssize_t hear_udp(struct rig *rig, int fd, uint8_t *out, size_t size, int ms)
{
    ssize_t got = -1;
    for (int turns = 0; turns < ms; turns++) {
        got = recv(fd, out, size, MSG_DONTWAIT);
        if (got >= 0)
            return got;
        rig_run_for(rig, 1);
    }
    return got;
}

struct heard {
    ssize_t len; /* -1 = nothing */
    unsigned flags;
    unsigned answers;
    struct sk_dns_answer answer;
    uint8_t bytes[4096];
};

static void heard_read(struct heard *heard, const char *name, unsigned type, uint16_t id)
{
    struct sk_dns_question q = question_of(name, type);
    struct sk_err err;
    for (char *c = q.name; *c; c++)
        *c = sk_domain_lower(*c);
    heard->flags = (unsigned)heard->bytes[2] << 8 | heard->bytes[3];
    heard->answers = (unsigned)heard->bytes[6] << 8 | heard->bytes[7];
    assert_int_equal(heard->bytes[0] << 8 | heard->bytes[1], id);
    if (sk_dns_read_answer(heard->bytes, (size_t)heard->len, id, &q, &heard->answer, &err) != SK_OK)
        fail_msg("%s", err.text);
}

/* Asks by UDP from that address and waits. */
static UNUSED struct heard ask_within(struct rig *rig, const char *from, const char *name, unsigned type,
                                      int ms)
{
    struct heard heard = {0};
    int fd = asker_open(rig, from, SOCK_DGRAM);
    ask_udp(fd, name, type, 77);
    heard.len = hear_udp(rig, fd, heard.bytes, sizeof(heard.bytes), ms);
    (void)close(fd);
    if (heard.len >= 0)
        heard_read(&heard, name, type, 77);
    return heard;
}

static UNUSED struct heard ask(struct rig *rig, const char *name, unsigned type)
{
    struct heard heard = ask_within(rig, "127.0.0.9", name, type, PATIENCE);
    assert_true(heard.len >= 0);
    return heard;
}

static UNUSED unsigned rcode_of(const struct heard *heard)
{
    return heard->flags & SK_DNS_RCODE;
}

static UNUSED void assert_address(const struct heard *heard, size_t nth, const char *text)
{
    char found[SK_IP_TEXT_MAX];
    assert_true(nth < heard->answer.address_count);
    sk_ip_print(&heard->answer.addresses[nth].ip, found);
    assert_string_equal(found, text);
}

/* The name stands for 1.2.3.4, and nothing else. */
static UNUSED void assert_truth(struct rig *rig, const char *name)
{
    struct heard heard = ask(rig, name, SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_NOERROR);
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, "1.2.3.4");
}

/* No resolver had an answer. */
static UNUSED void assert_failure(struct rig *rig, const char *name)
{
    size_t before = rig->upstream;
    struct heard heard = ask(rig, name, SK_DNS_A);
    assert_int_equal(rcode_of(&heard), SK_DNS_SERVFAIL);
    assert_int_equal(heard.answers, 0);
    assert_int_equal(rig->upstream, before + 1);
    assert_string_equal(rig->denied_name, name);
}

#endif
