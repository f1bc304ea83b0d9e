/* Several requests that want the same token: it is asked for once. */
#include "registry_rig.h"

#define TOKEN "{\"token\":\"first\",\"expires_in\":300}"

enum { REQUESTS = 4 };

/* One of several at once. */
struct ask {
    struct party *party;
    struct sk_done done;
    struct sk_registry_manifest manifest;
    bool answered;
    struct sk_err err;
};

struct party {
    struct rig rig;
    struct ask asks[REQUESTS];
    unsigned left;
    struct sk_timer opening;
    size_t cancels; /* so many of them when the token server opens */
};

static int setup(void **state)
{
    struct party *party = sk_alloc(sizeof(*party));
    rig_init(&party->rig);
    party->rig.trusted[0] = party->rig.servers[1].name; /* the token server */
    party->left = REQUESTS;
    *state = party;
    return 0;
}

static int teardown(void **state)
{
    struct party *party = *state;
    for (size_t i = 0; i < REQUESTS; i++)
        sk_buf_fini(&party->asks[i].manifest.bytes);
    rig_fini(&party->rig);
    free(party);
    return 0;
}

static void on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct ask *ask = sk_container_of(done, struct ask, done);
    ask->answered = true;
    if (err)
        ask->err = *err;
    if (--ask->party->left == 0)
        sk_loop_stop(ask->party->rig.loop);
}

static void start(struct ask *ask, struct party *party, const struct sk_image_login *login)
{
    struct sk_reference reference = reference_of(&party->rig, NULL);
    ask->party = party;
    sk_done_init(&ask->done, on_answer);
    sk_registry_manifest(party->rig.registry,
                         &(struct sk_registry_ask){.reference = &reference, .login = login}, &ask->manifest,
                         &ask->done);
}

/* Who waits for the token now. */
static size_t count_waiters(const struct party *party)
{
    struct sk_map_node *node = sk_map_any(&party->rig.registry->tokens.map);
    size_t count = 0;
    if (node)
        sk_list_each(&sk_map_entry(node, struct sk_flight, node)->waiters, link) count++;
    return count;
}

static void open_later(struct party *party);

/* Once all wait for the token. */
static void open_token_server(struct sk_timer *timer)
{
    struct party *party = sk_container_of(timer, struct party, opening);
    struct server *server = &party->rig.servers[1];
    if (count_waiters(party) < REQUESTS) {
        open_later(party);
        return;
    }
    for (size_t i = 0; i < party->cancels; i++)
        sk_done_cancel(&party->asks[i].done);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void open_later(struct party *party)
{
    struct sk_loop *loop = party->rig.loop;
    sk_timer_start(loop, &party->opening, sk_instant_add(sk_loop_now(loop), SK_MSEC(20)), open_token_server);
}

/* Runs all of them, the token server being slow to answer. */
static void run(struct party *party, const struct sk_image_login *login)
{
    struct rig *rig = &party->rig;
    rig_start_but(rig, &rig->servers[1]);
    for (size_t i = 0; i < REQUESTS; i++)
        start(&party->asks[i], party, login);
    open_later(party);
    sk_timer_start(rig->loop, &rig->limit, sk_instant_add(sk_loop_now(rig->loop), SK_SEC(60)), note_limit);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->limit);
    sk_timer_stop(rig->loop, &party->opening);
    rig_stop(rig);
    assert_int_equal(party->left, 0);
}

static void script(struct party *party, size_t answers)
{
    struct server *servers = party->rig.servers;
    for (size_t i = 0; i < REQUESTS; i++)
        add_challenge(&servers[0], &servers[1]);
    for (size_t i = 0; i < answers; i++)
        add(&servers[0], 200, "", "{}");
}

static void test_one_question_for_all(void **state)
{
    struct party *party = *state;
    const struct sk_image_login login = {party->rig.servers[0].name, "me", "secret"};
    script(party, REQUESTS);
    add(&party->rig.servers[1], 200, "", TOKEN);
    run(party, &login);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(party->asks[i].err.code, SK_OK);
        assert_true(asked(&party->rig.servers[0], REQUESTS + i, "Authorization: Bearer first\r\n"));
    }
    assert_int_equal(party->rig.servers[1].asked_len, 1);
    assert_true(asked(&party->rig.servers[1], 0, "Authorization: Basic bWU6c2VjcmV0\r\n"));
}

/* How the question ended is told to all: what is worth another try is tried again by each. */
static void test_all_are_refused(void **state)
{
    struct party *party = *state;
    script(party, 0);
    add(&party->rig.servers[1], 403, "", "{}");
    run(party, NULL);
    for (size_t i = 0; i < REQUESTS; i++)
        assert_int_equal(party->asks[i].err.code, SK_PERMISSION_DENIED);
    assert_int_equal(party->rig.servers[1].asked_len, 1);
    assert_int_equal(party->rig.retries, 0);
}

static void test_all_try_again(void **state)
{
    struct party *party = *state;
    script(party, REQUESTS);
    add(&party->rig.servers[1], 503, "", "{}");
    run(party, NULL);
    for (size_t i = 0; i < REQUESTS; i++)
        assert_int_equal(party->asks[i].err.code, SK_OK);
    assert_int_equal(party->rig.servers[1].asked_len, 1);
    assert_int_equal(party->rig.retries, REQUESTS);
}

/* The one that had it asked goes; the others get the answer. */
static void test_the_first_leaves(void **state)
{
    struct party *party = *state;
    script(party, REQUESTS - 1);
    add(&party->rig.servers[1], 200, "", TOKEN);
    party->cancels = 1;
    run(party, NULL);
    assert_int_equal(party->asks[0].err.code, SK_CANCELLED);
    for (size_t i = 1; i < REQUESTS; i++)
        assert_int_equal(party->asks[i].err.code, SK_OK);
    assert_int_equal(party->rig.servers[1].asked_len, 1);
}

static void test_all_leave(void **state)
{
    struct party *party = *state;
    script(party, 0);
    party->cancels = REQUESTS;
    run(party, NULL);
    for (size_t i = 0; i < REQUESTS; i++)
        assert_int_equal(party->asks[i].err.code, SK_CANCELLED);
    assert_int_equal(party->rig.servers[0].asked_len, REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_question_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_try_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_leave, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
