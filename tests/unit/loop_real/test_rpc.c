/* Unary calls, client and server: answers, errors, deadlines, cancels, sizes. */
#include "rpc_rig.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static void test_unary_over_tcp(void **state)
{
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    assert_true(sk_server_port(rig.server, 0) > 0);
    for (int i = 0; i < 3; i++) {
        rig_call(&rig, &unary, "/t/Echo", "hello");
        assert_int_equal(unary.err.code, SK_OK);
        assert_string_equal(rig_text(&unary), "hello");
        sk_arena_fini(&unary.arena);
    }
    rig_teardown(&rig);
    assert_int_equal(rig.cancels, 0);
}

static void test_unary_over_a_unix_socket(void **state)
{
    char dir[] = "/tmp/sk-rpc-XXXXXX";
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    assert_non_null(mkdtemp(dir));
    char *address = sk_printf("unix:%s/sock", dir);
    rig_setup(&rig, address);
    assert_int_equal(sk_server_port(rig.server, 0), 0);
    rig_call(&rig, &unary, "/t/Meta", "");
    assert_int_equal(unary.err.code, SK_OK);
    assert_non_null(strstr(rig_text(&unary), "tested unix:"));
    sk_arena_fini(&unary.arena);
    rig_teardown(&rig);
    (void)unlink(address + strlen("unix:"));
    assert_int_equal(rmdir(dir), 0);
    free(address);
}

static void test_headers_deadline_and_peer(void **state)
{
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    rig_call(&rig, &unary, "/t/Meta", "");
    assert_int_equal(unary.err.code, SK_OK);
    assert_int_equal(((rig_message *)unary.response)->code, 1);
    assert_non_null(strstr(rig_text(&unary), "tested ipv4:127.0.0.1:"));
    sk_arena_fini(&unary.arena);

    unary = (struct rig_unary){0};
    rig_start(&rig, &unary, "/t/Meta", "", SK_NS(0));
    rig_run(&rig);
    assert_int_equal(((rig_message *)unary.response)->code, 0); /* no deadline */
    sk_arena_fini(&unary.arena);
    rig_teardown(&rig);
}

static void test_error_with_details(void **state)
{
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    rig_call(&rig, &unary, "/t/Fail", "");
    assert_int_equal(unary.err.code, SK_PERMISSION_DENIED);
    assert_string_equal(unary.err.text, "not you");
    assert_int_equal(unary.details_len, 4);
    assert_memory_equal(unary.details, "a\0b\xff", 4);
    assert_null(unary.response);
    rig_teardown(&rig);
}

/* On a slow machine it may pass before the call has left; a longer one comes to the server. */
static void test_deadline_passes(void **state)
{
    struct rig rig;

    (void)state;
    rig_setup(&rig, NULL);
    for (int ms = 100; !rig.cancels; ms *= 2) {
        struct rig_unary unary = {0};
        rig_start(&rig, &unary, "/t/Never", "", SK_MSEC(ms));
        while (!unary.fired)
            rig_run(&rig);
        assert_int_equal(unary.err.code, SK_DEADLINE_EXCEEDED);
        while (rig.never)
            rig_wait(&rig, 10);
    }
    rig_teardown(&rig);
    assert_int_equal(rig.cancels, rig.calls);
}

static void test_client_cancels(void **state)
{
    struct rig rig;
    struct rig_unary unary = {0};

    (void)state;
    rig_setup(&rig, NULL);
    rig_start(&rig, &unary, "/t/Never", "", SK_NS(0));
    while (!rig.never)
        rig_wait(&rig, 10);
    sk_done_cancel(&unary.done);
    assert_false(unary.fired); /* never inside the call */
    rig_run(&rig);
    assert_int_equal(unary.err.code, SK_CANCELLED);
    while (!rig.cancels)
        rig_wait(&rig, 10);
    assert_int_equal(rig.cancels, 1);
    rig_teardown(&rig);
}

/* The client hears what we say, and the handler that it is over. */
static void test_aborted_by_the_server(void **state)
{
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    rig_call(&rig, &unary, "/t/Abort", "");
    assert_int_equal(unary.err.code, SK_RESOURCE_EXHAUSTED);
    assert_string_equal(unary.err.text, "enough");
    while (!rig.overs)
        rig_wait(&rig, 10);
    assert_int_equal(rig.cancels, 1);
    rig_teardown(&rig);
}

static void test_nobody_listens(void **state)
{
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    sk_channel_free(rig.channel);
    rig.channel = rig_connect(&rig, "unix:/nonexistent/sock");
    rig_call(&rig, &unary, "/t/Echo", "");
    assert_int_equal(unary.err.code, SK_UNAVAILABLE);
    assert_true(unary.err.text[0] != 0);
    rig_teardown(&rig);
}

static void test_many_at_once(void **state)
{
    enum { CALLS = 200 };
    struct rig rig;
    struct rig_unary *calls = sk_alloc(CALLS * sizeof(*calls));
    unsigned left = CALLS;

    (void)state;
    rig_setup(&rig, NULL);
    for (size_t i = 0; i < CALLS; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "call %zu", i);
        calls[i].left = &left;
        rig_start(&rig, &calls[i], "/t/Echo", text, SK_SEC(RIG_PATIENCE_S));
    }
    rig_run(&rig);
    for (size_t i = 0; i < CALLS; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "call %zu", i);
        assert_int_equal(calls[i].err.code, SK_OK);
        assert_string_equal(rig_text(&calls[i]), text);
        sk_arena_fini(&calls[i].arena);
    }
    assert_int_equal(rig.calls, CALLS);
    rig_teardown(&rig);
    free(calls);
}

static char *text_of(size_t len)
{
    char *text = sk_alloc(len + 1);
    memset(text, 'x', len);
    return text;
}

static void test_large_messages(void **state)
{
    struct rig rig;
    struct rig_unary unary;
    char *text = text_of(50 * MIB);

    (void)state;
    rig_setup(&rig, NULL);
    rig_call(&rig, &unary, "/t/Echo", text);
    assert_int_equal(unary.err.code, SK_OK);
    assert_int_equal(strlen(rig_text(&unary)), 50 * MIB);
    sk_arena_fini(&unary.arena);
    free(text);
    rig_teardown(&rig);
}

static void test_too_large_messages(void **state)
{
    struct rig rig;
    struct rig_unary unary;
    char *text = text_of(101 * MIB);

    (void)state;
    rig_setup(&rig, NULL);
    rig_call(&rig, &unary, "/t/Echo", text);
    assert_int_equal(unary.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(rig.received, 0);
    free(text);
    rig_call(&rig, &unary, "/t/Big", "");
    assert_int_equal(unary.err.code, SK_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(unary.err.text, "larger"));
    rig_call(&rig, &unary, "/t/Echo", "still alive");
    assert_int_equal(unary.err.code, SK_OK);
    sk_arena_fini(&unary.arena);
    rig_teardown(&rig);
}

static int dial(int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void test_garbage_on_the_port(void **state)
{
    const char *const garbage[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "",
    };
    int fds[sk_array_len(garbage)];
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    rig_setup(&rig, NULL);
    for (size_t i = 0; i < sk_array_len(garbage); i++) {
        fds[i] = dial(sk_server_port(rig.server, 0));
        assert_true(write(fds[i], garbage[i], strlen(garbage[i])) >= 0);
    }
    rig_wait(&rig, 50);
    rig_call(&rig, &unary, "/t/Echo", "still alive");
    assert_int_equal(unary.err.code, SK_OK);
    sk_arena_fini(&unary.arena);
    for (size_t i = 0; i < sk_array_len(garbage); i++)
        (void)close(fds[i]);
    rig_teardown(&rig);
}

static void test_a_taken_port(void **state)
{
    struct rig rig;
    struct sk_server *second = NULL;
    struct sk_err err;

    (void)state;
    rig_setup(&rig, NULL);
    char *taken = sk_printf("127.0.0.1:%d", sk_server_port(rig.server, 0));
    /* The first address is opened, and closed again. */
    const char *const addresses[] = {"127.0.0.1:0", taken, NULL};
    const struct sk_server_options options = {.listen = addresses, .on_call = rig_on_call, .arg = &rig};
    assert_int_equal(sk_server_new(rig.bridge, NULL, &options, &second, &err), SK_UNAVAILABLE);
    assert_non_null(strstr(err.text, taken));
    assert_null(second);
    free(taken);
    rig_teardown(&rig);
}

static void test_close_with_calls_under_way(void **state)
{
    enum { CALLS = 5 };
    struct rig rig;
    struct rig_unary calls[CALLS] = {0};
    unsigned left = CALLS;

    (void)state;
    rig_setup(&rig, NULL);
    for (size_t i = 0; i < CALLS; i++) {
        calls[i].left = &left;
        rig_start(&rig, &calls[i], "/t/Never", "", SK_NS(0));
    }
    while (rig.never < CALLS)
        rig_wait(&rig, 10);
    rig_close_server(&rig);
    assert_int_equal(rig.cancels, CALLS);
    while (left)
        rig_run(&rig);
    for (size_t i = 0; i < CALLS; i++)
        assert_int_not_equal(calls[i].err.code, SK_OK);
    rig_teardown(&rig);
}

/* Most of an answer is still to be written when the server closes. False: it was cut. */
static bool survives_the_close(void)
{
    struct rig rig;
    struct rig_unary unary = {0};

    rig_setup(&rig, NULL);
    rig_start(&rig, &unary, "/t/Last", "", SK_SEC(RIG_PATIENCE_S));
    rig_run(&rig);
    rig_close_server(&rig);
    while (!unary.fired)
        rig_run(&rig);
    bool whole = unary.err.code == SK_OK;
    if (whole)
        assert_int_equal(strlen(rig_text(&unary)), RIG_LAST_BYTES);
    sk_arena_fini(&unary.arena);
    rig_teardown(&rig);
    return whole;
}

/* The server waits two seconds: only when the machine has stood still for them may it be cut, and shows
 * nothing. */
static void test_close_with_an_answer_on_its_way(void **state)
{
    struct sk_instant began;

    (void)state;
    for (began = sk_clock_boot(); !survives_the_close(); began = sk_clock_boot())
        assert_true(sk_instant_diff(sk_clock_boot(), began).ns >= SK_SEC(2).ns);
}

static void test_headers_that_cannot_be_sent(void **state)
{
    const struct sk_header headers[] = {{"x-key", "two\nlines"}, {0}};
    const struct sk_channel_options options = {.target = "unix:/nonexistent", .headers = headers};
    struct rig rig;
    struct sk_channel *channel = NULL;
    struct sk_err err;

    (void)state;
    rig_setup(&rig, NULL);
    assert_int_equal(sk_channel_new(rig.bridge, &options, &channel, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "x-key"));
    assert_null(channel);
    rig_teardown(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary_over_tcp),
        cmocka_unit_test(test_unary_over_a_unix_socket),
        cmocka_unit_test(test_headers_deadline_and_peer),
        cmocka_unit_test(test_error_with_details),
        cmocka_unit_test(test_deadline_passes),
        cmocka_unit_test(test_client_cancels),
        cmocka_unit_test(test_aborted_by_the_server),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_large_messages),
        cmocka_unit_test(test_too_large_messages),
        cmocka_unit_test(test_garbage_on_the_port),
        cmocka_unit_test(test_a_taken_port),
        cmocka_unit_test(test_close_with_calls_under_way),
        cmocka_unit_test(test_close_with_an_answer_on_its_way),
        cmocka_unit_test(test_headers_that_cannot_be_sent),
    };
    sk_bridge_silence();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
