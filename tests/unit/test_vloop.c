/* The virtual loop's own promises, beyond those the tests of timers and ops lean on. */
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

struct world {
    struct sk_loop *loop;
    struct sk_watch *watch, *other;
    struct sk_post post;
    struct sk_task task;
    int calls, fd;
};

static void read_one(void *arg, unsigned events)
{
    struct world *w = arg;
    char byte;
    assert_int_equal(events, SK_READABLE);
    w->calls += read(w->fd, &byte, 1) == 1;
}

static void close_both(void *arg, unsigned events)
{
    struct world *w = arg;
    (void)events;
    w->calls++;
    sk_watch_close(sk_take(w->watch));
    sk_watch_close(sk_take(w->other));
}

static void test_watch(void **state)
{
    (void)state;
    int fds[2];
    struct world w = {.loop = sk_vloop_new()};
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    w.fd = fds[0];
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(sk_watch_open(w.loop, fds[0], read_one, &w, &w.watch, NULL), SK_OK);
    assert_false(sk_vloop_turn(w.loop));
    sk_watch_set(w.watch, SK_READABLE);
    assert_true(sk_vloop_turn(w.loop));
    assert_int_equal(w.calls, 1);
    sk_vloop_settle(w.loop);
    assert_int_equal(w.calls, 3);
    assert_false(sk_vloop_wait_fd(w.loop, 1));
    assert_false(sk_vloop_is_empty(w.loop));
    sk_watch_close(w.watch);
    assert_true(sk_vloop_is_empty(w.loop));
    (void)close(fds[0]);
    (void)close(fds[1]);
    sk_loop_free(w.loop);
}

static void test_close_is_final(void **state)
{
    (void)state;
    int fds[2];
    struct world w = {.loop = sk_vloop_new()};
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    SK_AUTO_FD int twin = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
    assert_int_equal(sk_watch_open(w.loop, fds[1], close_both, &w, &w.watch, NULL), SK_OK);
    assert_int_equal(sk_watch_open(w.loop, twin, close_both, &w, &w.other, NULL), SK_OK);
    sk_watch_set(w.watch, SK_WRITABLE);
    sk_watch_set(w.other, SK_WRITABLE);
    sk_vloop_settle(w.loop);
    assert_int_equal(w.calls, 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    sk_loop_free(w.loop);
}

static void count_post(struct sk_post *post)
{
    sk_container_of(post, struct world, post)->calls++;
}

static void *post_late(void *arg)
{
    struct world *w = arg;
    (void)usleep(10000);
    sk_loop_post(w->loop, &w->post, count_post);
    return NULL;
}

static void test_post_from_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct world w = {.loop = sk_vloop_new()};
    struct sk_instant before = sk_loop_now(w.loop);
    assert_int_equal(pthread_create(&thread, NULL, post_late, &w), 0);
    assert_true(sk_vloop_wait_fd(w.loop, 60000));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w.calls, 1);
    assert_int_equal(sk_loop_now(w.loop).ns, before.ns); /* real time is not its time */
    sk_loop_post(w.loop, &w.post, count_post);
    assert_int_equal(w.calls, 1);
    sk_vloop_settle(w.loop);
    assert_int_equal(w.calls, 2);
    assert_false(sk_vloop_wait_fd(w.loop, 1)); /* no wake-up is left over */
    sk_loop_free(w.loop);
}

static void stop_soon(struct sk_task *task)
{
    struct world *w = sk_container_of(task, struct world, task);
    if (++w->calls == 3)
        sk_loop_stop(w->loop);
    else
        sk_loop_defer(w->loop, task, stop_soon);
}

static void test_run(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    sk_loop_defer(w.loop, &w.task, stop_soon);
    sk_loop_run(w.loop);
    assert_int_equal(w.calls, 3);
    sk_loop_free(w.loop);
}

static void on_signal(void *arg, int signo)
{
    ((struct world *)arg)->calls += signo;
}

static void test_raise(void **state)
{
    (void)state;
    struct world w = {.loop = sk_vloop_new()};
    struct sk_signal *sig;
    assert_int_equal(sk_signal_open(w.loop, SIGTERM, on_signal, &w, &sig, NULL), SK_OK);
    sk_vloop_raise(w.loop, SIGINT);
    assert_int_equal(w.calls, 0);
    sk_vloop_raise(w.loop, SIGTERM);
    assert_int_equal(w.calls, SIGTERM);
    assert_false(sk_vloop_is_empty(w.loop));
    sk_signal_close(sig);
    sk_loop_free(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_close_is_final),
        cmocka_unit_test(test_post_from_thread),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_raise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
