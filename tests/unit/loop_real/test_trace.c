/* Spans, as a collector of the test's own gets them. */
#include "http_rig.h"

#include "base/hex.h"
#include "trace/trace.h"

#include <yajl/yajl_parse.h>

enum { BODY_MAX = 4 << 20 };

static struct rig rig;
static struct sk_tracer *tracer;
static char *body; /* the last one; of the server's thread until its answer is out */
static atomic_int bodies, refusals;

static void read_body(struct exchange *exchange)
{
    const char *announced = strstr(exchange->request, "\r\nContent-Length: ");
    size_t len = announced ? strtoul(announced + 18, NULL, 10) : 0, at = 0;
    while (at < len && len < BODY_MAX) {
        ssize_t got = recv(exchange->fd, body + at, len - at, 0);
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    body[at] = '\0';
}

static void answer_traces(struct exchange *exchange)
{
    read_body(exchange);
    atomic_fetch_add(&bodies, 1);
    if (atomic_fetch_sub(&refusals, 1) > 0)
        (void)send_text(exchange, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    else
        (void)send_text(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static const struct page pages[] = {{"/v1/traces", answer_traces}, {NULL, NULL}};

static void open_tracer(const char *path, unsigned percent)
{
    SK_AUTO_FREE char *url = sk_printf("http://127.0.0.1:%d%s", rig.server.port, path);
    struct sk_err err;
    const struct sk_tracer_options options = {
        .loop = rig.loop, .url = url, .sample_percent = percent, .node_id = "n1"};
    assert_int_equal(sk_tracer_new(&options, &tracer, &err), SK_OK);
}

static int setup(void **state)
{
    (void)state;
    body = calloc(1, BODY_MAX + 1);
    atomic_store(&bodies, 0);
    atomic_store(&refusals, 0);
    rig_open(&rig, pages, "", 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    free(body);
    return 0;
}

static void on_closed(struct sk_done *done, const struct sk_err *err)
{
    (void)done;
    (void)err;
    sk_loop_stop(rig.loop);
}

static void close_tracer(void)
{
    struct sk_done closed;
    sk_done_init(&closed, on_closed);
    sk_tracer_close(tracer, &closed);
    sk_loop_run(rig.loop);
}

static bool is_json(const char *text)
{
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    bool fine = yajl_parse(parser, (const unsigned char *)text, strlen(text)) == yajl_status_ok &&
                yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return fine;
}

static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static void test_a_call_and_a_step(void **state)
{
    struct sk_err err;
    (void)state;
    open_tracer("/v1/traces", 0);
    struct sk_span call = sk_span_of_call(tracer, parent);
    assert_true(call.context.sampled);
    struct sk_span step = sk_span_below(tracer, &call.context, call.began);
    sk_span_end(tracer, &step, "create image", false, NULL, NULL);
    (void)!sk_fail(&err, SK_NOT_FOUND, "there is no \"x\"");
    sk_span_end(tracer, &call, "S/M", true, &err,
                (const struct sk_span_fact[]){{"a", "b\"c", 0}, {"none", "", 0}, {"n", NULL, 5}, {0}});
    close_tracer();
    assert_int_equal(atomic_load(&bodies), 1);
    if (!is_json(body))
        fail_msg("%s", body);
    char id[17], wanted[160];
    sk_hex_print(call.context.span, 8, id);
    (void)snprintf(wanted, sizeof(wanted),
                   "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"%s\","
                   "\"parentSpanId\":\"b7ad6b7169203331\",\"kind\":2,\"name\":\"S/M\"",
                   id);
    assert_non_null(strstr(body, wanted));
    (void)snprintf(wanted, sizeof(wanted), "\"parentSpanId\":\"%s\",\"kind\":1,\"name\":\"create image\"",
                   id);
    assert_non_null(strstr(body, wanted));
    assert_non_null(strstr(body, "{\"key\":\"a\",\"value\":{\"stringValue\":\"b\\\"c\"}},"
                                 "{\"key\":\"n\",\"value\":{\"intValue\":\"5\"}}]"));
    assert_non_null(strstr(body, "\"status\":{\"code\":2,\"message\":\"there is no \\\"x\\\"\"}"));
    assert_non_null(strstr(body, "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"sandkeep\"}}"));
    assert_true(server_saw(&rig.server, "Content-Type: application/json"));
}

/* The caller's word goes before the share. */
static void test_sampling(void **state)
{
    (void)state;
    open_tracer("/v1/traces", 100);
    struct sk_span span = sk_span_of_call(tracer, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    assert_false(span.context.sampled);
    sk_span_end(tracer, &span, "no", true, NULL, NULL);
    span = sk_span_below(tracer, &span.context, span.began);
    assert_false(span.context.sampled);
    span = sk_span_of_call(tracer, "nonsense");
    assert_true(span.context.sampled);
    span = sk_span_of_call(NULL, parent);
    assert_false(span.context.sampled);
    close_tracer();
    assert_int_equal(atomic_load(&bodies), 0);
    open_tracer("/v1/traces", 30);
    int sampled = 0;
    for (int i = 0; i < 3000; i++)
        sampled += sk_span_of_call(tracer, NULL).context.sampled;
    assert_in_range(sampled, 600, 1200);
    close_tracer();
}

/* Many wait for the second request; of more than there is room for the rest is counted. */
static void test_the_queue_ends(void **state)
{
    enum { MANY = 20000 };
    (void)state;
    open_tracer("/v1/traces", 100);
    for (int i = 0; i < MANY; i++) {
        struct sk_span span = sk_span_of_call(tracer, NULL);
        sk_span_end(tracer, &span, "many", true, NULL, NULL);
    }
    uint64_t dropped = sk_tracer_stats(tracer).dropped;
    assert_in_range(dropped, 1, MANY - 1);
    for (int i = 0; i < PATIENCE && sk_tracer_stats(tracer).sent == 0; i++)
        rig_run_for(&rig, 20);
    assert_int_equal(sk_tracer_stats(tracer).sent, MANY - dropped);
    assert_true(is_json(body));
    close_tracer();
}

static void test_a_refusal_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&refusals, 1);
    open_tracer("/v1/traces", 0);
    struct sk_span span = sk_span_of_call(tracer, parent);
    sk_span_end(tracer, &span, "twice", true, NULL, NULL);
    for (int i = 0; i < PATIENCE && sk_tracer_stats(tracer).sent == 0; i++)
        rig_run_for(&rig, 20);
    assert_int_equal(sk_tracer_stats(tracer).sent, 1);
    assert_int_equal(atomic_load(&bodies), 2);
    close_tracer();
}

/* What is refused for good is dropped at once. */
static void test_a_wrong_url(void **state)
{
    (void)state;
    open_tracer("/elsewhere", 0);
    struct sk_span span = sk_span_of_call(tracer, parent);
    sk_span_end(tracer, &span, "lost", true, NULL, NULL);
    for (int i = 0; i < PATIENCE && sk_tracer_stats(tracer).dropped == 0; i++)
        rig_run_for(&rig, 20);
    assert_int_equal(sk_tracer_stats(tracer).dropped, 1);
    close_tracer();
}

static void configure(const char *path, unsigned percent)
{
    SK_AUTO_FREE char *url = sk_printf("http://127.0.0.1:%d%s", rig.server.port, path ? path : "");
    sk_tracer_configure(tracer, path ? url : "", percent);
}

/* What waits goes to where it is now. */
static void test_another_collector(void **state)
{
    (void)state;
    open_tracer("/elsewhere", 0);
    assert_false(sk_span_of_call(tracer, NULL).context.sampled);
    struct sk_span span = sk_span_of_call(tracer, parent);
    sk_span_end(tracer, &span, "waits", true, NULL, NULL);
    configure("/v1/traces", 100);
    span = sk_span_of_call(tracer, NULL);
    assert_true(span.context.sampled);
    sk_span_end(tracer, &span, "comes", true, NULL, NULL);
    close_tracer();
    assert_int_equal(atomic_load(&bodies), 1);
    assert_non_null(strstr(body, "waits"));
    assert_non_null(strstr(body, "comes"));
}

static void test_none_any_more_and_again(void **state)
{
    (void)state;
    open_tracer("/v1/traces", 100);
    struct sk_span span = sk_span_of_call(tracer, parent);
    sk_span_end(tracer, &span, "waits", true, NULL, NULL);
    configure(NULL, 100);
    assert_false(sk_span_of_call(tracer, parent).context.sampled);
    sk_span_end(tracer, &span, "late", true, NULL, NULL); /* begun before */
    for (int i = 0; i < PATIENCE && sk_tracer_stats(tracer).dropped == 0; i++)
        rig_run_for(&rig, 20);
    assert_int_equal(sk_tracer_stats(tracer).dropped, 1);
    assert_int_equal(atomic_load(&bodies), 0);
    configure("/v1/traces", 100);
    span = sk_span_of_call(tracer, NULL);
    sk_span_end(tracer, &span, "again", true, NULL, NULL);
    for (int i = 0; i < PATIENCE && sk_tracer_stats(tracer).sent == 0; i++)
        rig_run_for(&rig, 20);
    assert_int_equal(sk_tracer_stats(tracer).sent, 1);
    assert_null(strstr(body, "waits"));
    span = sk_span_of_call(tracer, NULL);
    sk_span_end(tracer, &span, "last", true, NULL, NULL);
    configure(NULL, 100);
    close_tracer(); /* with something that waits, and nowhere to send it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_call_and_a_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sampling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_queue_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wrong_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_collector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none_any_more_and_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
