/* Cancelled wherever it stands: one answer, and nothing goes on afterwards. */
#include "registry_rig.h"

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    rig_init(rig);
    rig->trusted[0] = rig->servers[1].name;
    *state = rig;
    return 0;
}

/* The client and the loop assert that they are empty when they go. */
static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static void cancel(struct rig *rig)
{
    sk_done_cancel(&rig->done);
}

static void cancel_at_bytes(struct rig *rig, size_t taken)
{
    (void)taken;
    sk_done_cancel(&rig->done);
}

static void hang(struct server *server, const char *head)
{
    add_bytes(server, "", 0, sk_strdup(head))->end = REPLY_HANG;
    server->rig->on_hang = cancel;
}

static void test_at_once(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    begin_manifest(rig, NULL, NULL);
    cancel(rig);
    assert_false(rig->answered);
    assert_int_equal(rig_wait(rig), SK_CANCELLED);
    begin_blob(rig, 4, 0, 0);
    cancel(rig);
    assert_int_equal(rig_wait(rig), SK_CANCELLED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 0);
}

/* It is answered already; the answer is only under way. */
static void test_too_late(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    begin_blob(rig, 4, 0, 7);
    cancel(rig);
    assert_int_equal(rig_wait(rig), SK_OUT_OF_RANGE);
}

static void test_before_the_head(void **state)
{
    struct rig *rig = *state;
    hang(&rig->servers[0], "HTTP/1.1 100 Continue"); /* no last one follows */
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_CANCELLED);
}

static void test_in_the_manifest(void **state)
{
    struct rig *rig = *state;
    hang(&rig->servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 9");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_CANCELLED);
    assert_null(rig->manifest.bytes.data);
}

static void test_at_the_token_server(void **state)
{
    struct rig *rig = *state;
    add_challenge(&rig->servers[0], &rig->servers[1]);
    hang(&rig->servers[1], "HTTP/1.1 200 OK\r\nContent-Length: 9");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_CANCELLED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 1);
}

static void test_in_a_refusal(void **state)
{
    struct rig *rig = *state;
    hang(&rig->servers[0], "HTTP/1.1 503 X\r\nContent-Length: 9");
    rig_start(rig);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_CANCELLED);
    assert_int_equal(rig->retries, 0);
}

static void test_in_a_pause(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 503, "", "");
    rig->on_retry = cancel;
    rig_start(rig);
    rig->registry->retry.first = rig->registry->retry.most = SK_SEC(3600);
    assert_int_equal(get_manifest(rig, NULL, NULL), SK_CANCELLED);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 1);
}

static void test_in_the_blob(void **state)
{
    struct rig *rig = *state;
    add_bytes(&rig->servers[0], "half", 4, sk_strdup("HTTP/1.1 200 OK\r\nContent-Length: 8"))->end =
        REPLY_HANG;
    rig->on_hang = cancel;
    rig_start(rig);
    assert_int_equal(get_blob(rig, 8, 0), SK_CANCELLED);
}

/* By the one who takes the bytes, while it takes them. */
static void test_by_the_taker(void **state)
{
    struct rig *rig = *state;
    rig->on_take = cancel_at_bytes;
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_CANCELLED);
    assert_true(taken_is(rig, "blob", 4));
}

static void hold_and_cancel(struct rig *rig, size_t taken)
{
    (void)taken;
    sk_registry_pause(rig->blob);
    sk_done_cancel(&rig->done);
}

static void test_while_held(void **state)
{
    struct rig *rig = *state;
    rig->on_take = hold_and_cancel;
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 4, 0), SK_CANCELLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_at_once),
        TEST(test_too_late),
        TEST(test_before_the_head),
        TEST(test_in_the_manifest),
        TEST(test_at_the_token_server),
        TEST(test_in_a_refusal),
        TEST(test_in_a_pause),
        TEST(test_in_the_blob),
        TEST(test_by_the_taker),
        TEST(test_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
