/* Bytes that break off, come twice, or are not those that were asked for. */
#include "registry_rig.h"

#include <assert.h>

enum { SIZE = 300000, HALF = 120000 };

static uint8_t bytes[SIZE];

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    for (uint32_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    rig_init(rig);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    free((char *)rig->mirrors[0]);
    rig_fini(rig);
    free(rig);
    return 0;
}

/* All of it, of which `sent` bytes come. */
static struct reply *add_all(struct server *server, size_t sent)
{
    return add_bytes(server, bytes, sent, sk_printf("HTTP/1.1 200 OK\r\nContent-Length: %d", SIZE));
}

/* What is left from `from` on, of which bytes up to `to` come. */
static struct reply *add_rest(struct server *server, size_t from, size_t to)
{
    return add_bytes(server, bytes + from, to - from,
                     sk_printf("HTTP/1.1 206 X\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%d/%d",
                               SIZE - from, from, SIZE - 1, SIZE));
}

static bool asked_from(const struct server *server, size_t n, size_t from)
{
    SK_AUTO_FREE char *field = sk_printf("\r\nRange: bytes=%zu-\r\n", from);
    return asked(server, n, field);
}

static void test_whole(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->endpoint, 0);
    rig_stop(rig);
    assert_false(asked(&rig->servers[0], 0, "Range:"));
}

static void test_nothing_to_ask_for(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    assert_int_equal(get_blob(rig, 0, 0), SK_OK);
    assert_int_equal(get_blob(rig, SIZE, SIZE), SK_OK);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 0);
}

/* The first bytes were fetched another day. */
static void test_from_the_middle(void **state)
{
    struct rig *rig = *state;
    add_rest(&rig->servers[0], HALF, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, HALF), SK_OK);
    assert_true(taken_is(rig, bytes + HALF, SIZE - HALF));
    rig_stop(rig);
    assert_true(asked_from(&rig->servers[0], 0, HALF));
}

static void test_reset_in_the_middle(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], HALF)->end = REPLY_RESET;
    add_rest(&rig->servers[0], HALF, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->retries, 1);
    rig_stop(rig);
    assert_int_equal(rig->servers[0].asked_len, 2);
    assert_true(asked_from(&rig->servers[0], 1, HALF));
}

static void test_closed_again_and_again(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], 1000);
    add_rest(&rig->servers[0], 1000, 2000);
    add_rest(&rig->servers[0], 2000, 2000);
    add_rest(&rig->servers[0], 2000, SIZE - 1);
    add_rest(&rig->servers[0], SIZE - 1, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->retries, 4);
}

/* Whoever gives a byte at a time is not asked for ever. */
static void test_patience_ends(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], 1);
    for (size_t i = 1; i < 8; i++)
        add_rest(&rig->servers[0], i, i + 1);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_UNAVAILABLE);
    assert_int_equal(rig->retries, 5);
    assert_true(taken_is(rig, bytes, 6));
}

/* … but a megabyte is worth another try, each time. */
static void test_progress_is_forgiven(void **state)
{
    enum { MEGS = 9, MEG = 1 << 20 };
    struct rig *rig = *state;
    SK_AUTO_FREE uint8_t *large = sk_alloc((size_t)MEGS * MEG);
    for (size_t i = 0; i < MEGS; i++) {
        memset(large + i * MEG, (int)i, MEG);
        add_bytes(&rig->servers[0], large + i * MEG, MEG,
                  sk_printf("HTTP/1.1 206 X\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%d/%d",
                            (MEGS - i) * MEG, i * MEG, MEGS * MEG - 1, MEGS * MEG));
    }
    rig_start(rig);
    assert_int_equal(get_blob(rig, (int64_t)MEGS * MEG, 0), SK_OK);
    assert_true(taken_is(rig, large, (size_t)MEGS * MEG));
    assert_int_equal(rig->retries, MEGS - 1);
}

static void test_range_is_ignored(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], HALF);
    add_all(&rig->servers[0], 7); /* less than is there already */
    add_all(&rig->servers[0], SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->retries, 2);
}

static void test_another_range(void **state)
{
    struct rig *rig = *state;
    add_all(&rig->servers[0], HALF);
    add_rest(&rig->servers[0], HALF - 1, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_DATA_LOSS);
    assert_true(taken_is(rig, bytes, HALF));
}

static void test_announces_another_size(void **state)
{
    struct rig *rig = *state;
    add(&rig->servers[0], 200, "", "short");
    add(&rig->servers[0], 200, "", "too long");
    rig_start(rig);
    assert_int_equal(get_blob(rig, 6, 0), SK_DATA_LOSS);
    assert_int_equal(rig->taken.len, 0);
    assert_int_equal(get_blob(rig, 6, 0), SK_DATA_LOSS);
    assert_int_equal(rig->taken.len, 0);
}

static void test_is_of_another_size(void **state)
{
    struct rig *rig = *state;
    add_bytes(&rig->servers[0], "short", 5, sk_strdup("HTTP/1.1 200 OK"));
    add_bytes(&rig->servers[0], "too long", 8, sk_strdup("HTTP/1.1 200 OK"));
    rig_start(rig);
    assert_int_equal(get_blob(rig, 6, 0), SK_DATA_LOSS);
    assert_int_equal(get_blob(rig, 6, 0), SK_DATA_LOSS);
    assert_true(rig->taken.len <= 6);
}

static void test_has_no_end(void **state)
{
    struct rig *rig = *state;
    add_bytes(&rig->servers[0], bytes, SIZE, sk_strdup("HTTP/1.1 200 OK"))->end = REPLY_ENDLESS;
    rig_start(rig);
    assert_int_equal(get_blob(rig, (int64_t)SIZE * 10, 0), SK_DATA_LOSS);
    assert_true(rig->taken.len <= (size_t)SIZE * 10);
    assert_int_equal(rig->retries, 0);
}

/* The registry goes on where its mirror broke off; the one to be doubted is the mirror. */
static void test_mirror_breaks_off(void **state)
{
    struct rig *rig = *state;
    rig->mirrors[0] = sk_printf("http://%s", rig->servers[1].name);
    add_all(&rig->servers[1], HALF);
    add(&rig->servers[1], 404, "", "");
    add_rest(&rig->servers[0], HALF, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->endpoint, 0);
    assert_int_equal(rig->moves, 1);
}

/* What is slow now is the machine's doing, if anybody's. */
static void wait_from_now_on(struct rig *rig)
{
    rig->registry->stall = SK_SEC(60);
    rig->taken_then = rig->taken.len;
}

static void start_anew(struct rig *rig)
{
    free((char *)rig->mirrors[0]);
    rig_fini(rig);
    rig_init(rig);
}

enum { TRIES = 3 };

static void run_dripping(struct rig *rig, int64_t stall_ms)
{
    rig->mirrors[0] = sk_printf("http://%s", rig->servers[1].name);
    for (int i = 0; i < TRIES; i++)
        add_all(&rig->servers[1], SIZE)->end = REPLY_DRIP;
    add_all(&rig->servers[0], SIZE);
    rig_start(rig);
    rig->registry->stall = SK_MSEC(stall_ms);
    rig->on_move = wait_from_now_on;
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
    assert_int_equal(rig->retries, TRIES - 1);
    assert_int_equal(rig->moves, 1);
    rig_stop(rig);
    assert_in_range(rig->servers[1].asked_len, 0, TRIES);
}

/* A byte now and then is no answer: it is given up like one that stands still. In how long a time some come
 * depends on the machine. */
static void test_mirror_drips(void **state)
{
    struct rig *rig = *state;
    int64_t stall_ms = 200;
    for (run_dripping(rig, stall_ms); rig->taken_then == 0; run_dripping(rig, stall_ms *= 2))
        start_anew(rig);
    assert_true(asked(&rig->servers[0], 0, "Range: bytes=")); /* what has come is not thrown away */
}

static void hold_first(struct rig *rig, size_t taken)
{
    if (taken == rig->taken.len)
        sk_registry_pause(rig->blob);
}

static void resume_when_held(struct sk_timer *timer)
{
    struct rig *rig = sk_container_of(timer, struct rig, later);
    rig->resumes += rig->retries == 0;
    sk_registry_resume(rig->blob);
}

/* For many times as long as a stall is waited for. */
static void hold_for_long(struct rig *rig, size_t taken)
{
    struct sk_duration pause = {5 * rig->registry->stall.ns};
    if (taken != rig->taken.len)
        return;
    sk_registry_pause(rig->blob);
    sk_timer_start(rig->loop, &rig->later, sk_instant_add(sk_loop_now(rig->loop), pause), resume_when_held);
}

static void wait_or_start_anew(struct rig *rig)
{
    wait_from_now_on(rig);
    if (rig->taken_then == 0)
        sk_done_cancel(&rig->done);
}

/* False: it was given up before anything had come. */
static bool run_held(struct rig *rig, int64_t stall_ms)
{
    rig->on_take = hold_for_long;
    rig->on_retry = wait_or_start_anew;
    add_bytes(&rig->servers[0], "half", 4, sk_strdup("HTTP/1.1 200 OK\r\nContent-Length: 8"))->end =
        REPLY_HANG;
    add_bytes(&rig->servers[0], "rest", 4,
              sk_strdup("HTTP/1.1 206 X\r\nContent-Length: 4\r\nContent-Range: bytes 4-7/8"));
    rig_start(rig);
    rig->registry->stall = SK_MSEC(stall_ms);
    enum sk_code code = get_blob(rig, 8, 0);
    if (code == SK_CANCELLED)
        return false;
    assert_int_equal(code, SK_OK);
    assert_true(taken_is(rig, "halfrest", 8));
    assert_int_equal(rig->resumes, 1); /* with nothing tried again until then */
    assert_int_equal(rig->retries, 1);
    return true;
}

/* Slow as it is, nobody gives it up while it is we who do not take more. */
static void test_held_for_long(void **state)
{
    for (int64_t stall_ms = 100; !run_held(*state, stall_ms); stall_ms *= 2)
        start_anew(*state);
}

static void test_skip(void **state)
{
    struct rig *rig = *state;
    rig->mirrors[0] = sk_printf("http://%s", rig->servers[1].name);
    add(&rig->servers[0], 200, "", "blob");
    rig_start(rig);
    begin_blob(rig, 4, 0, 1);
    assert_int_equal(rig_wait(rig), SK_OK);
    assert_int_equal(rig->endpoint, 1);
    begin_blob(rig, 4, 0, 2);
    assert_int_equal(rig_wait(rig), SK_OUT_OF_RANGE);
    assert_non_null(strstr(rig->err.text, rig->servers[0].name));
    rig_stop(rig);
    assert_int_equal(rig->servers[1].asked_len, 0);
}

static void let_go(struct sk_task *task)
{
    struct rig *rig = sk_container_of(task, struct rig, task);
    if (rig->blob) /* it may be over: nothing more was to come */
        sk_registry_resume(rig->blob);
}

static void hold(struct rig *rig, size_t taken)
{
    (void)taken;
    assert(!sk_list_is_linked(&rig->task.link)); /* nothing comes while it is held */
    sk_registry_pause(rig->blob);
    sk_loop_defer(rig->loop, &rig->task, let_go);
}

static void test_held_after_each_piece(void **state)
{
    struct rig *rig = *state;
    rig->on_take = hold;
    add_all(&rig->servers[0], HALF);
    add_rest(&rig->servers[0], HALF, SIZE);
    rig_start(rig);
    assert_int_equal(get_blob(rig, SIZE, 0), SK_OK);
    assert_true(taken_is(rig, bytes, SIZE));
}

/* The rest has been sent. */
static void resume_at_half(struct sk_timer *timer)
{
    struct rig *rig = sk_container_of(timer, struct rig, later);
    if (rig->taken.len != 4)
        return;
    rig->resumes++;
    sk_registry_resume(rig->blob);
}

/* Were it not held, it would have come by then. */
static void resume_soon(struct rig *rig)
{
    sk_timer_start(rig->loop, &rig->later, sk_instant_add(sk_loop_now(rig->loop), SK_MSEC(50)),
                   resume_at_half);
}

/* It breaks off while it is held, and the next response is held as well. */
static void test_held_over_tries(void **state)
{
    struct rig *rig = *state;
    rig->on_take = hold_first;
    rig->on_hang = resume_soon;
    add_bytes(&rig->servers[0], "half", 4, sk_strdup("HTTP/1.1 200 OK\r\nContent-Length: 8"));
    add_bytes(&rig->servers[0], "rest", 4,
              sk_strdup("HTTP/1.1 206 X\r\nContent-Length: 4\r\nContent-Range: bytes 4-7/8"))
        ->end = REPLY_HANG;
    rig_start(rig);
    assert_int_equal(get_blob(rig, 8, 0), SK_OK);
    assert_true(taken_is(rig, "halfrest", 8));
    assert_int_equal(rig->resumes, 1);
    assert_int_equal(rig->retries, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_nothing_to_ask_for),
        TEST(test_from_the_middle),
        TEST(test_reset_in_the_middle),
        TEST(test_closed_again_and_again),
        TEST(test_patience_ends),
        TEST(test_progress_is_forgiven),
        TEST(test_range_is_ignored),
        TEST(test_another_range),
        TEST(test_announces_another_size),
        TEST(test_is_of_another_size),
        TEST(test_has_no_end),
        TEST(test_mirror_breaks_off),
        TEST(test_mirror_drips),
        TEST(test_held_for_long),
        TEST(test_skip),
        TEST(test_held_after_each_piece),
        TEST(test_held_over_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
