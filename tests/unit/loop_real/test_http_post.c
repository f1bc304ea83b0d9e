/* Requests with a body and with header fields of the caller's, and answers that are taken whole. */
#include "http_rig.h"

#include "drivers/http/exchange.h"

enum { BODY_MAX = 3 << 20 };

/* Reads the body that the header announces and sends it back. */
static void answer_echo(struct exchange *exchange)
{
    char *body = malloc(BODY_MAX), head[128];
    const char *announced = strstr(exchange->request, "\r\nContent-Length: ");
    size_t len = announced ? strtoul(announced + 18, NULL, 10) : 0, at = 0;
    while (at < len && len <= BODY_MAX) {
        ssize_t got = recv(exchange->fd, body + at, len - at, 0);
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    (void)snprintf(head, sizeof(head), "HTTP/1.1 %d Here\r\nContent-Length: %zu\r\n\r\n",
                   announced ? 200 : 404, at);
    (void)send_text(exchange, head);
    (void)send_all(exchange, body, at);
    free(body);
}

static void answer_small(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 503 Later\r\nContent-Length: 4\r\nRetry-After: 7\r\n\r\nbusy");
}

static void answer_never(struct exchange *exchange)
{
    send_nothing(exchange);
}

/* Until the other end has had enough. */
static void answer_by_drops(struct exchange *exchange)
{
    (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (send_text(exchange, " "))
        (void)usleep(20000);
}

static const struct page pages[] = {
    {"/echo", answer_echo}, {"/drops", answer_by_drops}, {"/small", answer_small}, {"/never", answer_never},
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

struct asker {
    struct sk_exchange exchange;
    struct sk_done done;
    struct sk_err err;
    int ends;
};

static void on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct asker *asker = sk_container_of(done, struct asker, done);
    asker->ends++;
    asker->err = err ? *err : (struct sk_err){0};
    if (--rig.awaited == 0)
        sk_loop_stop(rig.loop);
}

static void ask(struct asker *asker, const char *path, struct sk_http_request request)
{
    SK_AUTO_FREE char *url = sk_printf("http://127.0.0.1:%d%s", rig.server.port, path);
    request.url = url;
    request.internal = true;
    if (!request.stall.ns)
        request.stall = SK_SEC(30);
    sk_done_init(&asker->done, on_answer);
    sk_exchange_start(&asker->exchange, rig.http, &request, &asker->done);
    assert_int_equal(asker->ends, 0);
}

static void test_post(void **state)
{
    static const struct sk_http_field fields[] = {{"X-Api-Key", "abc"}, {"traceparent", "00-11-22-01"}};
    struct asker asker = {0};
    char body[] = "{\"a\":1}";
    (void)state;
    ask(&asker, "/echo",
        (struct sk_http_request){.body = body,
                                 .body_len = strlen(body),
                                 .content_type = "application/json",
                                 .fields = fields,
                                 .field_count = 2,
                                 .max_bytes = 4096});
    memset(body, 'x', strlen(body)); /* it was copied */
    rig_run(&rig, 1);
    assert_int_equal(asker.err.code, SK_OK);
    assert_int_equal(asker.exchange.status, 200);
    assert_int_equal(asker.exchange.retry_after_s, -1);
    assert_int_equal(asker.exchange.body.len, 7);
    assert_memory_equal(asker.exchange.body.data, "{\"a\":1}", 7);
    assert_true(server_saw(&rig.server, "POST /echo HTTP/1.1\r\n"));
    assert_true(server_saw(&rig.server, "\r\nContent-Type: application/json\r\n"));
    assert_true(server_saw(&rig.server, "\r\nX-Api-Key: abc\r\n"));
    assert_true(server_saw(&rig.server, "\r\ntraceparent: 00-11-22-01\r\n"));
    assert_false(server_saw(&rig.server, "Expect"));
    sk_exchange_fini(&asker.exchange);
}

static void test_bodies_of_all_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 5000, PERIOD - 1};
    (void)state;
    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        struct asker asker = {0};
        ask(&asker, "/echo",
            (struct sk_http_request){
                .body = rig.server.pattern.bytes, .body_len = sizes[i], .max_bytes = BODY_MAX});
        rig_run(&rig, 1);
        assert_int_equal(asker.err.code, SK_OK);
        assert_int_equal(asker.exchange.status, 200);
        assert_int_equal(asker.exchange.body.len, sizes[i]);
        sk_exchange_fini(&asker.exchange);
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 1); /* nothing of one was taken for the next */
}

/* A refusal is an answer. */
static void test_refusal_is_no_error(void **state)
{
    struct asker asker = {0};
    (void)state;
    ask(&asker, "/small", (struct sk_http_request){.max_bytes = 4});
    rig_run(&rig, 1);
    assert_int_equal(asker.err.code, SK_OK);
    assert_int_equal(asker.exchange.status, 503);
    assert_int_equal(asker.exchange.retry_after_s, 7);
    assert_memory_equal(asker.exchange.body.data, "busy", 4);
    sk_exchange_fini(&asker.exchange);
    sk_exchange_fini(&asker.exchange);
}

static void test_longer_than_wanted(void **state)
{
    struct asker asker = {0};
    (void)state;
    ask(&asker, "/small", (struct sk_http_request){.max_bytes = 3});
    rig_run(&rig, 1);
    assert_int_equal(asker.err.code, SK_RESOURCE_EXHAUSTED);
    sk_exchange_fini(&asker.exchange);
}

/* Who deals out an answer byte by byte keeps nobody waiting. On a machine that is slow, too, some bytes come
 * if one waits for long enough. */
static void test_an_answer_without_end(void **state)
{
    struct asker asker;
    char want[64];
    (void)state;
    for (int64_t ms = 200, seen = 0; !seen; ms *= 2) {
        asker = (struct asker){0};
        ask(&asker, "/drops", (struct sk_http_request){.max_bytes = 1000000, .stall = SK_MSEC(ms)});
        rig_run(&rig, 1);
        assert_int_equal(asker.err.code, SK_UNAVAILABLE);
        seen = asker.exchange.body.len > 0;
        (void)snprintf(want, sizeof(want), "%s came for %d ms", seen ? "hardly anything" : "nothing",
                       (int)ms);
        assert_non_null(strstr(asker.err.text, want));
        sk_exchange_fini(&asker.exchange);
    }
}

static void test_cancelled(void **state)
{
    struct asker asker = {0}, dropped = {0};
    (void)state;
    ask(&asker, "/never", (struct sk_http_request){.max_bytes = 3});
    ask(&dropped, "/never", (struct sk_http_request){.max_bytes = 3});
    rig_run_for(&rig, 10);
    sk_done_cancel(&asker.done);
    sk_exchange_fini(&dropped.exchange);
    assert_int_equal(asker.ends, 0);
    rig_run(&rig, 1);
    assert_int_equal(asker.err.code, SK_CANCELLED);
    assert_int_equal(dropped.ends, 0);
    sk_exchange_fini(&asker.exchange);
}

static void test_unfit_fields(void **state)
{
    static const struct sk_http_field fields[] = {
        {"X-A", "a\r\nX-Smuggled: 1"}, {"X-A: 1\r\nX-B", "b"}, {"", "b"}, {"X A", "b"}, {"X-A", "\x80"},
    };
    (void)state;
    for (size_t i = 0; i <= sk_array_len(fields); i++) {
        struct asker asker = {0};
        bool is_type = i == sk_array_len(fields);
        ask(&asker, "/echo",
            (struct sk_http_request){.body = "",
                                     .content_type = is_type ? "a\nb" : NULL,
                                     .fields = is_type ? NULL : &fields[i],
                                     .field_count = !is_type,
                                     .max_bytes = 64});
        rig_run(&rig, 1);
        assert_int_equal(asker.err.code, SK_INVALID_ARGUMENT);
        sk_exchange_fini(&asker.exchange);
    }
    assert_int_equal(atomic_load(&rig.server.accepted), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_post, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bodies_of_all_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_is_no_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longer_than_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unfit_fields, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
