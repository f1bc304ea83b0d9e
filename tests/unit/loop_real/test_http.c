/* Requests and answers: what is sent, what is told, and in which order. */
#include "http_rig.h"

#include <malloc.h>

enum { SMALL = 5000 };
#define LARGE ((int64_t)100 << 20)

/* --- pages ------------------------------------------------------------------------- */

static void answer_small(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Type: text/plain; a=b \r\n"
                              "docker-content-digest:sha256:abc\r\nX-Other: 1\r\n\r\n");
    (void)send_pattern(exchange, 0, SMALL);
}

static void answer_large(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    (void)send_pattern(exchange, 0, LARGE);
}

static void answer_part(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 206 Partial\r\nContent-Length: 4000\r\n"
                              "Content-Range: bytes 1000-4999/5000\r\n\r\n");
    (void)send_pattern(exchange, 1000, SMALL);
}

static void answer_chunked(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int at = 0; at < SMALL; at += 1000) {
        (void)send_text(exchange, "3e8;name=value\r\n");
        (void)send_pattern(exchange, at, at + 1000);
        (void)send_text(exchange, "\r\n");
    }
    (void)send_text(exchange, "0\r\nLocation: http://trailer.invalid/\r\n\r\n");
}

/* As stored: the bytes are none of gzip's. */
static void answer_coded(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5000\r\n\r\n");
    (void)send_pattern(exchange, 0, SMALL);
}

static void answer_moved(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 307 Moved\r\nLocation: /small\r\nContent-Length: 0\r\n"
                              "Retry-After: 17\r\n\r\n");
}

static void answer_who(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                              "www-authenticate: Bearer realm=\"y\"\r\nContent-Length: 3\r\n"
                              "Set-Cookie: a=b\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");
    (void)send_pattern(exchange, 0, 3);
}

static void answer_hints(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 103 Early\r\nLocation: /early\r\nContent-Length: 9\r\n\r\n");
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    (void)send_pattern(exchange, 0, 3);
}

static void answer_until_closed(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.0 200 OK\r\n\r\n");
    (void)send_pattern(exchange, 0, SMALL);
    exchange->last = true;
}

static void answer_never(struct exchange *exchange)
{
    send_nothing(exchange);
}

static const struct page pages[] = {
    {"/small", answer_small},
    {"/large", answer_large},
    {"/part", answer_part},
    {"/chunked", answer_chunked},
    {"/coded", answer_coded},
    {"/moved", answer_moved},
    {"/who", answer_who},
    {"/hints", answer_hints},
    {"/until-closed", answer_until_closed},
    {"/never", answer_never},
    {NULL, NULL},
};

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, pages, "", 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* --- one at a time ------------------------------------------------------------------- */

static void test_get(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/small", (struct sk_http_request){.accept = "a/b, c/d"});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.heads, 1);
    assert_int_equal(probe.head.status, 200);
    assert_int_equal(probe.head.length, SMALL);
    assert_int_equal(probe.head.range_from, -1);
    assert_int_equal(probe.head.retry_after_s, -1);
    assert_string_equal(probe.type, "text/plain; a=b");
    assert_string_equal(probe.digest, "sha256:abc");
    assert_string_equal(probe.location, "(none)");
    assert_string_equal(probe.authenticate, "(none)");
    assert_int_equal(probe.received, SMALL);
    assert_true(server_saw(&rig.server, "GET /small HTTP/1.1\r\n"));
    assert_true(server_saw(&rig.server, "\r\nAccept: a/b, c/d\r\n"));
    assert_true(server_saw(&rig.server, "\r\nUser-Agent: sandkeep/"));
    assert_false(server_saw(&rig.server, "Accept-Encoding"));
    assert_false(server_saw(&rig.server, "Authorization"));
    assert_false(server_saw(&rig.server, "Range"));
}

static void test_range(void **state)
{
    struct probe probe = {.first = 1000};
    (void)state;
    probe_run(&probe, &rig, "/part", (struct sk_http_request){.from = 1000});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.head.status, 206);
    assert_int_equal(probe.head.range_from, 1000);
    assert_int_equal(probe.received, 4000);
    assert_true(server_saw(&rig.server, "\r\nRange: bytes=1000-\r\n"));
}

/* A server that knows no ranges answers with all of it; that is for the caller to see. */
static void test_range_ignored(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/small", (struct sk_http_request){.from = 1000});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.head.status, 200);
    assert_int_equal(probe.head.range_from, -1);
    assert_int_equal(probe.received, SMALL);
}

static void test_bodies(void **state)
{
    static const char *const paths[] = {"/chunked", "/coded", "/until-closed"};
    (void)state;
    for (size_t i = 0; i < sk_array_len(paths); i++) {
        struct probe probe = {0};
        probe_run(&probe, &rig, paths[i], (struct sk_http_request){0});
        assert_int_equal(probe.err.code, SK_OK);
        assert_int_equal(probe.heads, 1);
        assert_int_equal(probe.received, SMALL);
        assert_int_equal(probe.head.length, i == 1 ? SMALL : -1);
        assert_string_equal(probe.location, "(none)");
    }
}

static void test_redirect(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/moved", (struct sk_http_request){0});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.head.status, 307);
    assert_string_equal(probe.location, "/small");
    assert_int_equal(probe.head.retry_after_s, 17);
    assert_int_equal(atomic_load(&rig.server.requests), 1);
}

static void test_refusal(void **state)
{
    struct probe probe = {0}, again = {0};
    (void)state;
    probe_run(&probe, &rig, "/who", (struct sk_http_request){.user = "me", .password = "p:w\r\n"});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.head.status, 401);
    assert_string_equal(probe.authenticate, "Basic realm=\"x\", Bearer realm=\"y\"");
    assert_int_equal(probe.head.retry_after_s, 0); /* a date that is past */
    assert_int_equal(probe.received, 3);
    assert_int_equal(atomic_load(&rig.server.requests), 1);
    assert_true(server_saw(&rig.server, "\r\nAuthorization: Basic bWU6cDp3DQo=\r\n"));
    probe_run(&again, &rig, "/small", (struct sk_http_request){0});
    assert_int_equal(again.err.code, SK_OK);
    assert_false(server_saw(&rig.server, "Authorization"));
    assert_false(server_saw(&rig.server, "Cookie"));
    assert_int_equal(atomic_load(&rig.server.accepted), 1);
}

static void test_bearer(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/small", (struct sk_http_request){.bearer = "abc.def", .user = "not me"});
    assert_int_equal(probe.err.code, SK_OK);
    assert_true(server_saw(&rig.server, "\r\nAuthorization: Bearer abc.def\r\n"));
}

static void test_hints_are_not_told(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/hints", (struct sk_http_request){0});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.heads, 1);
    assert_int_equal(probe.head.status, 200);
    assert_int_equal(probe.head.length, 3);
    assert_string_equal(probe.location, "(none)");
}

static void test_unfit_requests(void **state)
{
    static const struct sk_http_request requests[] = {
        {.url = "http://127.0.0.1/", .bearer = "a\r\nX-Smuggled: 1"},
        {.url = "http://127.0.0.1/", .bearer = "a\x80"},
        {.url = "http://127.0.0.1/", .accept = "a\nb"},
        {.url = "http://me:secret@127.0.0.1/"},
        {.url = "http://127.0.0.1/\r\nX-Smuggled: 1"},
        {.url = "http://127.0.0.1/a b"},
        {.url = "127.0.0.1/none"},
        {.url = ""},
        {.url = "gopher-not-known://127.0.0.1/"},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(requests); i++) {
        struct probe probe = {0};
        probe_run(&probe, &rig, NULL, requests[i]);
        if (probe.err.code != SK_INVALID_ARGUMENT || probe.heads != 0)
            fail_msg("%zu: %s", i, probe.err.text);
        assert_null(strstr(probe.err.text, "secret"));
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 0);
}

/* --- pausing -------------------------------------------------------------------------- */

/* Held at every piece for a while, the server gets no further ahead than sockets and one buffer hold. */
static void test_pausing_bounds_memory(void **state)
{
    struct probe probe = {.pause_at = AT_DATA, .pause_ms = 20};
    size_t most = 0;
    (void)state;
    probe_start(&probe, &rig, "/large", (struct sk_http_request){.max_bytes = LARGE});
    size_t before = mallinfo2().uordblks;
    while (probe.pieces < 20) { /* of 6400 */
        rig_run_for(&rig, 25);
        size_t now = mallinfo2().uordblks;
        most = now > before + most ? now - before : most;
    }
    assert_in_range(most, 0, 4 << 20);
    assert_in_range(probe.most_ahead, 1, 32 << 20);
    probe.pause_at = NEVER;
    rig_run(&rig, 1);
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.received, LARGE);
    assert_in_range(probe.longest, 1, 512 << 10);
    probe_close(&probe);
}

static void test_streams_freely(void **state)
{
    struct probe probe = {0};
    (void)state;
    probe_run(&probe, &rig, "/large", (struct sk_http_request){.max_bytes = LARGE});
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.received, LARGE);
    assert_in_range(probe.longest, 1, 512 << 10);
}

/* The length allowed is the length there is: not a byte too many. */
static void test_paused_from_the_head_on(void **state)
{
    struct probe probe = {.pause_at = AT_HEAD};
    (void)state;
    probe_start(&probe, &rig, "/small", (struct sk_http_request){.max_bytes = SMALL});
    rig_await(&rig, &probe.heads, 1);
    rig_run_for(&rig, 30);
    assert_int_equal(probe.pieces + probe.ends, 0);
    sk_http_resume(probe.transfer);
    sk_http_pause(probe.transfer); /* changed its mind */
    rig_run_for(&rig, 20);
    assert_int_equal(probe.pieces + probe.ends, 0);
    probe_resume(&probe);
    assert_int_equal(probe.pieces, 0); /* not inside the call */
    rig_run(&rig, 1);
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.received, SMALL);
    probe_close(&probe);
}

/* Each piece is followed by a pause that ends at once. */
static void test_paused_for_no_time(void **state)
{
    struct probe probe = {.pause_at = AT_DATA, .pause_ms = 0};
    (void)state;
    probe_start(&probe, &rig, "/chunked", (struct sk_http_request){0});
    for (int pieces = 1; probe.received < SMALL; pieces++) {
        rig_await(&rig, &probe.pieces, pieces);
        probe_resume(&probe);
    }
    rig_await(&rig, &probe.ends, 1);
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.received, SMALL);
    probe_close(&probe);
}

static void test_closed_while_held(void **state)
{
    struct probe probe = {.pause_at = AT_HEAD}, other = {.pause_at = AT_HEAD};
    (void)state;
    probe_start(&probe, &rig, "/large", (struct sk_http_request){.max_bytes = LARGE});
    probe_start(&other, &rig, "/large", (struct sk_http_request){.max_bytes = LARGE});
    rig_await(&rig, &probe.heads, 1);
    rig_await(&rig, &other.heads, 1);
    rig_run_for(&rig, 10);
    probe_resume(&other);
    probe_close(&other); /* before it has gone on */
    probe_close(&probe);
    rig_run_for(&rig, 10);
    assert_int_equal(probe.pieces + other.pieces + probe.ends + other.ends, 0);
}

/* --- closing --------------------------------------------------------------------------- */

static void test_closed_from_inside(void **state)
{
    (void)state;
    for (enum when when = AT_HEAD; when <= AT_END; when++) {
        struct probe probe = {.close_at = when}, other = {0};
        probe.close_too = &other;
        probe_start(&other, &rig, "/never", (struct sk_http_request){0});
        probe_start(&probe, &rig, "/small", (struct sk_http_request){0});
        rig_await(&rig, when == AT_HEAD ? &probe.heads : when == AT_DATA ? &probe.pieces : &probe.ends, 1);
        rig_run_for(&rig, 10);
        assert_null(probe.transfer);
        assert_null(other.transfer);
        assert_int_equal(probe.heads, 1);
        assert_int_equal(probe.pieces > 0, when >= AT_DATA);
        assert_int_equal(probe.ends, when == AT_END);
        assert_int_equal(other.heads + other.pieces + other.ends, 0);
    }
}

/* Held bytes are given out by another way than fresh ones. */
static void test_closed_when_resumed(void **state)
{
    struct probe probe = {.pause_at = AT_HEAD, .close_at = AT_DATA};
    (void)state;
    probe_start(&probe, &rig, "/large", (struct sk_http_request){.max_bytes = LARGE});
    rig_await(&rig, &probe.heads, 1);
    rig_run_for(&rig, 10);
    probe_resume(&probe);
    rig_await(&rig, &probe.pieces, 1);
    rig_run_for(&rig, 10);
    assert_null(probe.transfer);
    assert_int_equal(probe.pieces, 1);
    assert_int_equal(probe.ends, 0);
}

static void test_closed_early(void **state)
{
    struct probe unborn = {0}, resolving = {0}, connecting = {0};
    (void)state;
    probe_start(&unborn, &rig, "/small", (struct sk_http_request){0});
    probe_close(&unborn);
    probe_start(&connecting, &rig, "/small", (struct sk_http_request){0});
    probe_start(&resolving, &rig, NULL,
                (struct sk_http_request){.url = "http://ip6-loopback:1/", .internal = true});
    rig_run_for(&rig, 1);
    probe_close(&connecting);
    probe_close(&resolving);
    sk_http_close(NULL);
    rig_run_for(&rig, 20);
    assert_int_equal(unborn.ends, 0);
}

/* --- many ------------------------------------------------------------------------------- */

static void test_many_share_few_connections(void **state)
{
    enum { MANY = 60 };
    static struct probe probes[MANY];
    (void)state;
    memset(probes, 0, sizeof(probes));
    for (int i = 0; i < MANY; i++)
        probe_start(&probes[i], &rig, "/small", (struct sk_http_request){0});
    probe_close(&probes[MANY - 1]); /* one that waits */
    rig_run(&rig, MANY - 1);
    for (int i = 0; i < MANY - 1; i++) {
        assert_int_equal(probes[i].err.code, SK_OK);
        assert_int_equal(probes[i].received, SMALL);
        probe_close(&probes[i]);
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 2); /* half of them */
    assert_int_equal(atomic_load(&rig.server.requests), MANY - 1);
}

/* A host that stands still keeps nobody from another one. */
static void test_a_host_takes_half(void **state)
{
    struct probe still[8] = {0}, others[2] = {0};
    static struct server second;
    (void)state;
    server_start(&second, pages);
    for (int i = 0; i < 8; i++)
        probe_start(&still[i], &rig, "/never", (struct sk_http_request){0});
    for (int i = 0; i < 2; i++) {
        char url[64];
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/small", second.port);
        probe_start(&others[i], &rig, NULL, (struct sk_http_request){.url = url, .internal = true});
    }
    rig_run(&rig, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(others[i].err.code, SK_OK);
        probe_close(&others[i]);
    }
    rig_await_server(&rig, &rig.server.open_most, 1);
    for (int i = 0; i < 8; i++)
        probe_close(&still[i]);
    assert_in_range(atomic_load(&rig.server.open_most), 1, 2);
    rig_run_for(&rig, 10);
    server_stop(&second);
}

/* What takes long leaves room for questions, to the same host too, but is not kept from it for ever. */
static void test_bulk_leaves_room(void **state)
{
    struct probe bulk[6] = {0}, small[3] = {0};
    (void)state;
    for (int i = 0; i < 6; i++)
        probe_start(&bulk[i], &rig, "/never", (struct sk_http_request){.bulk = true});
    for (int i = 0; i < 3; i++)
        probe_start(&small[i], &rig, "/small", (struct sk_http_request){0});
    rig_run(&rig, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(small[i].err.code, SK_OK);
        probe_close(&small[i]);
    }
    assert_int_equal(atomic_load(&rig.server.open_most), 2);
    for (int i = 0; i < 6; i++)
        probe_close(&bulk[i]);
}

static void test_bulk_has_the_last_connection(void **state)
{
    struct probe bulk[2] = {0};
    (void)state;
    for (int i = 0; i < 2; i++)
        probe_start(&bulk[i], &rig, "/small", (struct sk_http_request){.bulk = true});
    rig_run(&rig, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bulk[i].err.code, SK_OK);
        probe_close(&bulk[i]);
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 1);
}

/* Those that stand still take up the room; one that is closed gives it back. */
static void test_the_others_wait(void **state)
{
    struct probe still[4] = {0}, waiting = {0}, hasty = {0};
    (void)state;
    for (int i = 0; i < 4; i++)
        probe_start(&still[i], &rig, "/never", (struct sk_http_request){0});
    probe_start(&waiting, &rig, "/small", (struct sk_http_request){0});
    probe_start(&hasty, &rig, "/small", (struct sk_http_request){.stall = SK_MSEC(40)});
    rig_run_for(&rig, 80);
    assert_int_equal(waiting.heads + waiting.ends, 0);
    assert_int_equal(hasty.heads + hasty.ends, 0); /* nor does it stall meanwhile */
    probe_close(&hasty);
    probe_close(&still[2]); /* waits as well */
    probe_close(&still[0]);
    probe_close(&still[3]);
    rig_run(&rig, 1);
    assert_int_equal(waiting.err.code, SK_OK);
    probe_close(&waiting);
    for (int i = 0; i < 4; i++) {
        if (still[i].transfer)
            probe_close(&still[i]);
    }
    assert_in_range(atomic_load(&rig.server.open_most), 1, 5);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_get),
        CASE(test_range),
        CASE(test_range_ignored),
        CASE(test_bodies),
        CASE(test_redirect),
        CASE(test_refusal),
        CASE(test_bearer),
        CASE(test_hints_are_not_told),
        CASE(test_unfit_requests),
        CASE(test_pausing_bounds_memory),
        CASE(test_streams_freely),
        CASE(test_paused_from_the_head_on),
        CASE(test_paused_for_no_time),
        CASE(test_closed_while_held),
        CASE(test_closed_from_inside),
        CASE(test_closed_when_resumed),
        CASE(test_closed_early),
        CASE(test_many_share_few_connections),
        CASE(test_a_host_takes_half),
        CASE(test_bulk_leaves_room),
        CASE(test_bulk_has_the_last_connection),
        CASE(test_the_others_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
