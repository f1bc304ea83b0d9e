#include "api/gate.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { GUESTS = 5, ROOM = 2 };

struct guest {
    struct sk_pass pass;
    int entered, limits;
};

struct house {
    struct sk_loop *loop;
    struct sk_gate gate;
    struct guest guests[GUESTS];
};

static void on_pass(struct sk_pass *pass)
{
    sk_container_of(pass, struct guest, pass)->entered++;
}

static void on_limit(struct sk_pass *pass)
{
    sk_container_of(pass, struct guest, pass)->limits++;
    sk_gate_leave(pass);
}

static void open_house(struct house *h)
{
    *h = (struct house){.loop = sk_vloop_new()};
    sk_gate_init(&h->gate, h->loop, ROOM);
    for (int i = 0; i < GUESTS; i++)
        sk_gate_enter(&h->gate, &h->guests[i].pass, 1, SK_SEC(10), on_pass, on_limit);
}

static void close_house(struct house *h)
{
    for (int i = 0; i < GUESTS; i++)
        sk_gate_leave(&h->guests[i].pass);
    assert_int_equal(h->gate.room, ROOM);
    assert_true(sk_vloop_is_empty(h->loop));
    sk_gate_fini(&h->gate);
    sk_loop_free(h->loop);
}

static void assert_entered(const struct house *h, const int expected[GUESTS])
{
    for (int i = 0; i < GUESTS; i++)
        assert_int_equal(h->guests[i].entered, expected[i]);
}

static void test_in_order(void **state)
{
    (void)state;
    struct house h;
    open_house(&h);
    assert_entered(&h, (const int[]){0, 0, 0, 0, 0}); /* never inside the call */
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 1, 0, 0, 0});
    sk_gate_leave(&h.guests[1].pass);
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 1, 1, 0, 0});
    sk_gate_leave(&h.guests[1].pass); /* again: nothing */
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 1, 1, 0, 0});
    close_house(&h);
}

static void test_leaves_while_waiting(void **state)
{
    (void)state;
    struct house h;
    open_house(&h);
    sk_gate_leave(&h.guests[0].pass); /* let in, not yet told */
    sk_gate_leave(&h.guests[3].pass); /* outside */
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){0, 1, 1, 0, 0});
    sk_gate_leave(&h.guests[2].pass);
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){0, 1, 1, 0, 1});
    close_house(&h);
}

/* The time outside does not count. */
static void test_limit(void **state)
{
    (void)state;
    struct house h;
    open_house(&h);
    sk_vloop_advance(h.loop, SK_MSEC(9999));
    assert_int_equal(h.guests[0].limits, 0);
    sk_vloop_advance(h.loop, SK_MSEC(1));
    assert_int_equal(h.guests[0].limits, 1);
    assert_int_equal(h.guests[1].limits, 1);
    assert_int_equal(h.guests[2].limits, 0);
    assert_entered(&h, (const int[]){1, 1, 1, 1, 0});
    sk_vloop_advance(h.loop, SK_SEC(10));
    assert_int_equal(h.guests[2].limits, 1);
    assert_entered(&h, (const int[]){1, 1, 1, 1, 1});
    close_house(&h);
}

static void test_patience(void **state)
{
    (void)state;
    struct house h = {.loop = sk_vloop_new()};
    sk_gate_init(&h.gate, h.loop, ROOM);
    for (int i = 0; i < ROOM; i++)
        sk_gate_enter(&h.gate, &h.guests[i].pass, 1, SK_SEC(300), on_pass, on_limit);
    sk_vloop_advance(h.loop, SK_SEC(100));
    assert_int_equal(h.guests[0].limits, 0); /* nobody waits */
    sk_gate_enter(&h.gate, &h.guests[ROOM].pass, 1, SK_SEC(300), on_pass, on_limit);
    sk_vloop_advance(h.loop, SK_GATE_PATIENCE);
    assert_int_equal(h.guests[0].limits, 1);
    assert_int_equal(h.guests[1].limits, 0); /* one was enough */
    assert_int_equal(h.guests[ROOM].entered, 1);
    close_house(&h);
}

static void test_weights(void **state)
{
    (void)state;
    struct house h = {.loop = sk_vloop_new()};
    struct guest *g = h.guests;
    sk_gate_init(&h.gate, h.loop, ROOM);
    for (int i = 0; i < GUESTS; i++)
        sk_gate_enter(&h.gate, &g[i].pass, i == 1 ? 2 : 1, SK_SEC(10), on_pass, on_limit);
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 0, 0, 0, 0}); /* the light ones do not pass the heavy one */
    sk_gate_shrink(&g[0].pass, 5);                    /* it never grows */
    sk_gate_shrink(&g[0].pass, 0);
    sk_gate_shrink(&g[2].pass, 0); /* outside */
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 1, 0, 0, 0});
    sk_gate_shrink(&g[1].pass, 1);
    sk_vloop_settle(h.loop);
    assert_entered(&h, (const int[]){1, 1, 1, 0, 0});
    close_house(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order), cmocka_unit_test(test_leaves_while_waiting),
        cmocka_unit_test(test_limit),    cmocka_unit_test(test_patience),
        cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
