#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

enum { SENDERS = 4, POSTS = 10000 };

struct letter {
    struct sk_post post;
    struct sender *sender;
    int number;
};

struct sender {
    pthread_t thread;
    struct desk *desk;
    struct letter *letters;
    int next; /* the number that must come next; loop thread */
};

/* Where all letters arrive. */
struct desk {
    struct sk_loop *loop;
    struct sender senders[SENDERS];
    struct sk_timer timer;
    int arrived, out_of_order, timer_fired_at;
};

static void arrive(struct sk_post *post)
{
    struct letter *letter = sk_container_of(post, struct letter, post);
    struct desk *desk = letter->sender->desk;
    desk->out_of_order += letter->number != letter->sender->next++;
    letter->number = -1; /* a second arrival would be out of order */
    if (++desk->arrived == SENDERS * POSTS)
        sk_loop_stop(desk->loop);
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < POSTS; i++) {
        struct letter *letter = &sender->letters[i];
        letter->sender = sender;
        letter->number = i;
        sk_loop_post(sender->desk->loop, &letter->post, arrive);
    }
    return NULL;
}

static void test_many_senders(void **state)
{
    (void)state;
    struct desk desk = {0};
    assert_int_equal(sk_loop_new(&desk.loop, NULL), SK_OK);
    for (int i = 0; i < SENDERS; i++) {
        struct sender *sender = &desk.senders[i];
        sender->desk = &desk;
        sender->letters = sk_alloc(POSTS * sizeof(struct letter));
        assert_int_equal(pthread_create(&sender->thread, NULL, send_all, sender), 0);
    }
    sk_loop_run(desk.loop);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(desk.senders[i].thread, NULL), 0);
        assert_int_equal(desk.senders[i].next, POSTS);
        free(desk.senders[i].letters);
    }
    assert_int_equal(desk.arrived, SENDERS * POSTS);
    assert_int_equal(desk.out_of_order, 0);
    sk_loop_free(desk.loop);
}

static void note_arrived(struct sk_timer *timer)
{
    struct desk *desk = sk_container_of(timer, struct desk, timer);
    desk->timer_fired_at = desk->arrived;
}

/* A heap of posts does not keep a timer that is due from firing. */
static void test_budget(void **state)
{
    (void)state;
    struct desk desk = {.timer_fired_at = -1};
    struct letter *letters = sk_alloc(SENDERS * POSTS * sizeof(struct letter));
    assert_int_equal(sk_loop_new(&desk.loop, NULL), SK_OK);
    desk.senders[0].desk = &desk;
    for (int i = 0; i < SENDERS * POSTS; i++) {
        letters[i].sender = &desk.senders[0];
        letters[i].number = i;
        sk_loop_post(desk.loop, &letters[i].post, arrive);
    }
    sk_timer_start(desk.loop, &desk.timer, sk_loop_now(desk.loop), note_arrived);
    assert_int_equal(desk.arrived, 0);
    sk_loop_run(desk.loop);
    assert_int_equal(desk.out_of_order, 0);
    assert_int_equal(desk.arrived, SENDERS * POSTS);
    assert_true(desk.timer_fired_at >= 0 && desk.timer_fired_at < POSTS);
    free(letters);
    sk_loop_free(desk.loop);
}

struct echo {
    struct sk_post post;
    struct sk_loop *loop;
    int left;
};

static void echo(struct sk_post *post)
{
    struct echo *e = sk_container_of(post, struct echo, post);
    struct sk_loop *loop = e->loop;
    if (--e->left > 0) {
        sk_loop_post(loop, post, echo);
        return;
    }
    free(e); /* its own, from inside */
    sk_loop_stop(loop);
}

static void test_post_from_inside(void **state)
{
    (void)state;
    struct echo *e = sk_alloc(sizeof(*e));
    struct sk_loop *loop;
    assert_int_equal(sk_loop_new(&loop, NULL), SK_OK);
    *e = (struct echo){.loop = loop, .left = 1000};
    sk_loop_post(loop, &e->post, echo);
    sk_loop_run(loop);
    sk_loop_free(loop);
}

static void *stop_it(void *arg)
{
    (void)usleep(20000);
    sk_loop_stop(arg);
    return NULL;
}

/* An idle loop sleeps; another thread can end it. */
static void test_stop_from_outside(void **state)
{
    (void)state;
    struct sk_loop *loop;
    pthread_t thread;
    assert_int_equal(sk_loop_new(&loop, NULL), SK_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_it, loop), 0);
    sk_loop_run(loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    sk_loop_stop(loop); /* before the run: it ends at once */
    sk_loop_run(loop);
    sk_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_senders),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_post_from_inside),
        cmocka_unit_test(test_stop_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
