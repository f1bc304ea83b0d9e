/* Who keeps us waiting for too long is cut off, whoever asks on stays. */
#include "support/vloop.h"
#include "web/visitors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

struct pair {
    int here, there;
};

static struct pair connected(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return (struct pair){fds[0], fds[1]};
}

static bool is_cut(const struct pair *pair)
{
    char byte;
    return recv(pair->there, &byte, 1, 0) == 0;
}

static void disconnect(struct pair *pair)
{
    sk_close_fd(&pair->here);
    sk_close_fd(&pair->there);
}

static void test_patience(void **state)
{
    struct sk_loop *loop = sk_vloop_new();
    struct sk_visitors visitors;
    struct pair slow = connected(), busy = connected();

    (void)state;
    sk_visitors_init(&visitors, loop);
    struct sk_visitor *one = sk_visitors_enter(&visitors, slow.here);
    struct sk_visitor *two = sk_visitors_enter(&visitors, busy.here);
    for (int i = 0; i < 4; i++) {
        sk_vloop_advance(loop, SK_SEC(7));
        assert_false(is_cut(&slow));
        sk_visitors_served(&visitors, two);
    }
    sk_vloop_advance(loop, SK_SEC(7));
    assert_true(is_cut(&slow));
    assert_false(is_cut(&busy));
    sk_visitors_leave(&visitors, one);
    sk_visitors_leave(&visitors, two);
    assert_true(sk_vloop_is_empty(loop)); /* nobody is there: nothing to look at */
    sk_visitors_fini(&visitors);
    disconnect(&slow);
    disconnect(&busy);
    sk_loop_free(loop);
}

/* Who let us wait longest goes for whoever comes; who was answered meanwhile stays. */
static void test_crowd(void **state)
{
    struct sk_loop *loop = sk_vloop_new();
    struct sk_visitors visitors;
    struct sk_visitor *list[SK_VISITORS_MAX + 3];
    struct pair pairs[SK_VISITORS_MAX + 3];

    (void)state;
    sk_visitors_init(&visitors, loop);
    for (size_t i = 0; i < sk_array_len(list); i++) {
        pairs[i] = connected();
        if (i == SK_VISITORS_MAX)
            sk_visitors_served(&visitors, list[1]);
        list[i] = sk_visitors_enter(&visitors, pairs[i].here);
    }
    for (size_t i = 0; i < sk_array_len(list); i++)
        assert_int_equal(is_cut(&pairs[i]), i == 0 || i == 2 || i == 3);
    for (size_t i = 0; i < sk_array_len(list); i++)
        sk_visitors_leave(&visitors, list[i]);
    assert_int_equal(visitors.count, 0);
    sk_visitors_fini(&visitors);
    for (size_t i = 0; i < sk_array_len(list); i++)
        disconnect(&pairs[i]);
    sk_loop_free(loop);
}

/* Who is being answered goes last, and as any other when that is over. */
static void test_answers(void **state)
{
    struct sk_loop *loop = sk_vloop_new();
    struct sk_visitors visitors;
    struct sk_visitor *list[SK_VISITORS_MAX + 2];
    struct pair pairs[SK_VISITORS_MAX + 2];
    const size_t last = sk_array_len(list) - 1;

    (void)state;
    sk_visitors_init(&visitors, loop);
    for (size_t i = 0; i < last; i++) {
        pairs[i] = connected();
        list[i] = sk_visitors_enter(&visitors, pairs[i].here);
        if (i != 1 && i != 2)
            sk_visitor_answer(list[i]);
    }
    for (size_t i = 0; i < last; i++)
        assert_int_equal(is_cut(&pairs[i]), i == 1);
    sk_visitors_served(&visitors, list[3]);
    sk_visitor_answer(list[2]);
    pairs[last] = connected();
    list[last] = sk_visitors_enter(&visitors, pairs[last].here);
    for (size_t i = 0; i <= last; i++)
        assert_int_equal(is_cut(&pairs[i]), i == 1 || i == 3);
    sk_visitor_answer(list[last]);
    struct pair more = connected();
    struct sk_visitor *one = sk_visitors_enter(&visitors, more.here);
    assert_true(is_cut(&pairs[0])); /* all are being answered */
    sk_visitors_leave(&visitors, one);
    for (size_t i = 0; i <= last; i++)
        sk_visitors_leave(&visitors, list[i]);
    sk_visitors_fini(&visitors);
    for (size_t i = 0; i <= last; i++)
        disconnect(&pairs[i]);
    disconnect(&more);
    sk_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patience), cmocka_unit_test(test_crowd),
                                       cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
