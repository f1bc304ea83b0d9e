/* Servers that break off, stall, lie or never end: each is an error, and a sentence. */
#include "http_rig.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* --- pages -------------------------------------------------------------------------- */

static void answer_small(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    (void)send_pattern(exchange, 0, 3);
}

static void answer_short(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    (void)send_pattern(exchange, 0, 999);
    exchange->last = true;
}

static void answer_cut_chunks(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
    (void)send_pattern(exchange, 0, 1000);
    (void)send_text(exchange, "\r\n");
    exchange->last = true;
}

static void answer_bad_chunks(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    send_nothing(exchange);
}

static void answer_reset(struct exchange *exchange)
{
    const struct linger now = {.l_onoff = 1};
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    (void)send_pattern(exchange, 0, 500);
    for (int unread = 1; ioctl(exchange->fd, SIOCOUTQ, &unread) == 0 && unread > 0;)
        (void)usleep(1000); /* a reset overtakes what is still on its way */
    (void)setsockopt(exchange->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    int keep = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* the number stays the connection's */
    (void)dup3(keep, exchange->fd, O_CLOEXEC);
    (void)close(keep);
    exchange->last = true;
}

static void answer_hang_up(struct exchange *exchange)
{
    exchange->last = true;
}

static void answer_endless_head(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\n");
    while (send_text(exchange, "X-More: and more\r\n"))
        ;
    exchange->last = true;
}

static void answer_endless_line(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nX-More: ");
    while (send_text(exchange, "and more and more and more "))
        ;
    exchange->last = true;
}

static void answer_endless_hints(struct exchange *exchange)
{
    while (send_text(exchange, "HTTP/1.1 103 Early\r\n\r\n"))
        ;
    exchange->last = true;
}

static void answer_endless_trailer(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    while (send_text(exchange, "X-More: and more\r\n"))
        ;
    exchange->last = true;
}

static void answer_giant(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n");
    while (send_pattern(exchange, 0, PERIOD))
        ;
    exchange->last = true;
}

static void answer_endless_body(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\n\r\n");
    while (send_pattern(exchange, 0, PERIOD))
        ;
    exchange->last = true;
}

static void answer_odd_length(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n");
    exchange->last = true;
}

static void answer_two_lengths(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde");
    exchange->last = true;
}

static void answer_packed(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    exchange->last = true;
}

static void answer_other_protocol(struct exchange *exchange)
{
    (void)send_text(exchange, "220 mail.invalid ESMTP\r\n");
    exchange->last = true;
}

static void answer_never(struct exchange *exchange)
{
    send_nothing(exchange);
}

static void answer_half(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    (void)send_pattern(exchange, 0, 500);
    send_nothing(exchange);
}

/* Ten bytes, one after the other, with pauses between. */
static atomic_int slow_ms;

static void answer_slowly(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for (int at = 0; at < 10; at++) {
        (void)usleep((useconds_t)atomic_load(&slow_ms) * 1000);
        (void)send_pattern(exchange, at, at + 1);
    }
}

/* However late they are read: seven at most. */
static void answer_too_slowly(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for (int at = 0; at < 7; at++) {
        (void)usleep(80000);
        (void)send_pattern(exchange, at, at + 1);
    }
    send_nothing(exchange);
}

static const struct page pages[] = {
    {"/small", answer_small},
    {"/short", answer_short},
    {"/cut-chunks", answer_cut_chunks},
    {"/bad-chunks", answer_bad_chunks},
    {"/reset", answer_reset},
    {"/hang-up", answer_hang_up},
    {"/endless-head", answer_endless_head},
    {"/endless-line", answer_endless_line},
    {"/endless-hints", answer_endless_hints},
    {"/endless-trailer", answer_endless_trailer},
    {"/giant", answer_giant},
    {"/endless-body", answer_endless_body},
    {"/odd-length", answer_odd_length},
    {"/two-lengths", answer_two_lengths},
    {"/packed", answer_packed},
    {"/other-protocol", answer_other_protocol},
    {"/never", answer_never},
    {"/half", answer_half},
    {"/slowly", answer_slowly},
    {"/too-slowly", answer_too_slowly},
    {NULL, NULL},
};

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, pages, "", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* --- what they come to ------------------------------------------------------------------ */

static void test_faults(void **state)
{
    static const struct sample {
        const char *path;
        enum sk_code want;
        int heads;
        int64_t least, most; /* of the body, until then */
    } samples[] = {
        {"/short", SK_UNAVAILABLE, 1, 999, 999},
        {"/cut-chunks", SK_UNAVAILABLE, 1, 1000, 1000},
        {"/bad-chunks", SK_UNAVAILABLE, 1, 0, 0},
        {"/reset", SK_UNAVAILABLE, 1, 0, 500},
        {"/hang-up", SK_UNAVAILABLE, 0, 0, 0},
        {"/endless-head", SK_RESOURCE_EXHAUSTED, 0, 0, 0},
        {"/endless-line", SK_RESOURCE_EXHAUSTED, 0, 0, 0}, /* curl's own limit */
        {"/endless-hints", SK_RESOURCE_EXHAUSTED, 0, 0, 0},
        {"/endless-trailer", SK_RESOURCE_EXHAUSTED, 1, 0, 0},
        {"/giant", SK_RESOURCE_EXHAUSTED, 1, 0, 0},
        {"/endless-body", SK_RESOURCE_EXHAUSTED, 1, 1, 100000},
        {"/odd-length", SK_FAILED_PRECONDITION, 0, 0, 0},
        {"/two-lengths", SK_FAILED_PRECONDITION, 0, 0, 0},
        {"/packed", SK_FAILED_PRECONDITION, 0, 0, 0},
        {"/other-protocol", SK_FAILED_PRECONDITION, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++) {
        struct probe probe = {0};
        probe_run(&probe, &rig, samples[i].path, (struct sk_http_request){.max_bytes = 100000});
        if (probe.err.code != samples[i].want || probe.heads != samples[i].heads)
            fail_msg("%s: %d heads, %s: %s", samples[i].path, probe.heads, sk_code_name(probe.err.code),
                     probe.err.text);
        assert_in_range(probe.received, samples[i].least, samples[i].most);
        assert_non_null(strstr(probe.err.text, "127.0.0.1:"));
    }
}

/* None of the above harms who comes after. */
static void test_one_fault_is_no_other_ones(void **state)
{
    struct probe bad = {0}, good = {0};
    (void)state;
    probe_start(&bad, &rig, "/reset", (struct sk_http_request){0});
    atomic_store(&slow_ms, 80);
    probe_start(&good, &rig, "/slowly", (struct sk_http_request){0});
    rig_run(&rig, 2);
    assert_int_equal(bad.err.code, SK_UNAVAILABLE);
    assert_int_equal(good.err.code, SK_OK);
    assert_int_equal(good.received, 10);
    probe_close(&bad);
    probe_close(&good);
}

static int64_t ms_since(struct sk_instant then)
{
    return sk_duration_ms(sk_instant_diff(sk_clock_boot(), then));
}

/* It ended since nothing, or hardly anything, came, and not before its time. */
static void assert_stalled(const struct probe *probe, const char *what, int64_t ms, struct sk_instant begun)
{
    char want[64];
    (void)snprintf(want, sizeof(want), "%s came for %d ms", what, (int)ms);
    assert_int_equal(probe->err.code, SK_UNAVAILABLE);
    if (!strstr(probe->err.text, want))
        fail_msg("%s", probe->err.text);
    assert_true(ms_since(begun) >= ms - 5);
}

/* The tests below wait longer each time until what is sent comes within the time of a stall: how long that is
 * depends on the machine. */

static void test_stall(void **state)
{
    static const char *const paths[] = {"/never", "/half"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct probe probe;
        int64_t ms = 100;
        do {
            struct sk_instant begun = sk_loop_now(rig.loop);
            probe = (struct probe){0};
            probe_run(&probe, &rig, paths[i], (struct sk_http_request){.stall = SK_MSEC(ms)});
            assert_stalled(&probe, "nothing", ms, begun);
            ms *= 2;
        } while (probe.received < i * 500);
        assert_int_equal(probe.received, i * 500);
    }
}

/* A byte now and then keeps no connection. */
static void test_too_slow(void **state)
{
    struct probe probe;
    int64_t ms = 300;
    (void)state;
    do {
        struct sk_instant begun = sk_loop_now(rig.loop);
        probe = (struct probe){0};
        probe_run(&probe, &rig, "/too-slowly", (struct sk_http_request){.stall = SK_MSEC(ms), .least = 8});
        assert_stalled(&probe, probe.received > 0 ? "hardly anything" : "nothing", ms, begun);
        ms *= 2;
    } while (probe.received == 0);
    assert_in_range(probe.received, 1, 7);
}

/* Slow is not still: all of it takes longer than the time of a stall, no byte does. */
static void test_slow(void **state)
{
    struct probe probe;
    int ms = 400;
    (void)state;
    do {
        struct sk_instant begun = sk_loop_now(rig.loop);
        probe = (struct probe){0};
        atomic_store(&slow_ms, ms / 8);
        probe_run(&probe, &rig, "/slowly", (struct sk_http_request){.stall = SK_MSEC(ms)});
        if (probe.err.code != SK_OK)
            assert_stalled(&probe, "nothing", ms, probe.pieces > 0 ? probe.last : begun);
        ms *= 2;
    } while (probe.err.code != SK_OK);
    assert_int_equal(probe.received, 10);
}

/* What we hold up ourselves does not stall; the time counts from the resumption. */
static void test_paused_is_not_stalled(void **state)
{
    struct probe probe;
    int64_t ms = 60;
    (void)state;
    do {
        probe = (struct probe){.pause_at = AT_HEAD};
        struct sk_instant begun = sk_loop_now(rig.loop);
        probe_start(&probe, &rig, "/half", (struct sk_http_request){.stall = SK_MSEC(ms)});
        while (probe.heads + probe.ends == 0)
            rig_run_for(&rig, 2);
        if (probe.heads > 0) {
            rig_run_for(&rig, (int)ms * 3);
            assert_int_equal(probe.ends + probe.pieces, 0);
            begun = sk_loop_now(rig.loop);
            probe_resume(&probe);
            while (probe.ends == 0)
                rig_run_for(&rig, 2);
        }
        assert_stalled(&probe, "nothing", ms, begun);
        probe_close(&probe);
        ms *= 2;
    } while (probe.received == 0);
    assert_int_equal(probe.received, 500);
}

static void test_refused(void **state)
{
    struct probe probe = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    char url[64];
    (void)state;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* and does not listen */
    assert_int_equal(bind(bound, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    probe_run(&probe, &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    (void)close(bound);
    assert_int_equal(probe.err.code, SK_UNAVAILABLE);
    assert_int_equal(probe.heads, 0);
}

/* A server that takes no connection: its queue is full. */
static void test_connect_stalls(void **state)
{
    struct probe probe = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    char url[64];
    int fillers[3];
    (void)state;
    int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(full, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(full, 0), 0);
    assert_int_equal(getsockname(full, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < 3; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, len);
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    probe_run(&probe, &rig, NULL,
              (struct sk_http_request){.url = url, .internal = true, .stall = SK_MSEC(150)});
    assert_int_equal(probe.err.code, SK_UNAVAILABLE);
    for (int i = 0; i < 3; i++)
        (void)close(fillers[i]);
    (void)close(full);
}

/* Kept connections that the server has closed meanwhile are not held against the next request. */
static void test_kept_connection_is_gone(void **state)
{
    struct probe first = {0}, second = {0};
    (void)state;
    probe_run(&first, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(first.err.code, SK_OK);
    (void)shutdown(rig.server.connections[0].fd, SHUT_RDWR);
    (void)usleep(20000);
    probe_run(&second, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(second.err.code, SK_OK);
    assert_int_equal(atomic_load(&rig.server.accepted), 2);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_faults),
        CASE(test_one_fault_is_no_other_ones),
        CASE(test_stall),
        CASE(test_too_slow),
        CASE(test_slow),
        CASE(test_paused_is_not_stalled),
        CASE(test_refused),
        CASE(test_connect_stalls),
        CASE(test_kept_connection_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
