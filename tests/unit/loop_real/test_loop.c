#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static struct sk_loop *new_loop(void)
{
    struct sk_loop *loop;
    struct sk_err err;
    assert_int_equal(sk_loop_new(&loop, &err), SK_OK);
    return loop;
}

/* --- timers -------------------------------------------------------------- */

enum { ALARMS = 200 };

struct alarm {
    struct sk_timer timer;
    struct sk_loop *loop;
    struct sk_instant due;
    int64_t late_ns;
    int *left;
};

static void ring(struct sk_timer *timer)
{
    struct alarm *alarm = sk_container_of(timer, struct alarm, timer);
    alarm->late_ns = sk_clock_boot().ns - alarm->due.ns;
    assert_true(sk_loop_now(alarm->loop).ns >= alarm->due.ns);
    if (--*alarm->left == 0)
        sk_loop_stop(alarm->loop);
}

/* Spread over 100 ms at odd nanoseconds: none early or lost, and the loop sleeps and wakes for each. */
static void test_timers_never_early(void **state)
{
    (void)state;
    static struct alarm alarms[ALARMS];
    struct sk_loop *loop = new_loop();
    int left = ALARMS;
    for (int i = 0; i < ALARMS; i++) {
        alarms[i] = (struct alarm){.loop = loop, .left = &left};
        alarms[i].due = sk_instant_add(sk_loop_now(loop), SK_NS((i * 7919 % ALARMS) * 500123));
        sk_timer_start(loop, &alarms[i].timer, alarms[i].due, ring);
    }
    sk_loop_run(loop);
    for (int i = 0; i < ALARMS; i++)
        assert_true(alarms[i].late_ns >= 0);
    sk_loop_free(loop);
}

/* One that was stopped leaves the alarm set; what comes after must not suffer. */
static void test_stopped_and_moved(void **state)
{
    (void)state;
    struct sk_loop *loop = new_loop();
    int left = 1;
    struct alarm stopped = {.loop = loop, .left = &left}, moved = stopped;
    struct sk_instant now = sk_loop_now(loop);
    sk_timer_start(loop, &stopped.timer, sk_instant_add(now, SK_MSEC(1)), ring);
    sk_timer_stop(loop, &stopped.timer);
    sk_timer_start(loop, &moved.timer, sk_instant_add(now, SK_SEC(3600)), ring);
    moved.due = sk_instant_add(now, SK_MSEC(20));
    sk_timer_start(loop, &moved.timer, moved.due, ring);
    sk_loop_run(loop);
    assert_true(moved.late_ns >= 0);
    assert_int_equal(left, 0);
    sk_loop_free(loop);
}

static void test_due_long_ago(void **state)
{
    (void)state;
    struct sk_loop *loop = new_loop();
    int left = 2;
    struct alarm past = {.loop = loop, .left = &left}, negative = past;
    sk_timer_start(loop, &past.timer, (struct sk_instant){1}, ring);
    sk_timer_start(loop, &negative.timer, (struct sk_instant){-SK_SEC(1).ns}, ring);
    assert_int_equal(left, 2);
    sk_loop_run(loop);
    assert_int_equal(left, 0);
    sk_loop_free(loop);
}

/* --- tasks --------------------------------------------------------------- */

struct runner {
    struct sk_task task;
    struct sk_timer timer;
    struct sk_loop *loop;
    int turns, timer_at_turn;
};

static void run_again(struct sk_task *task)
{
    struct runner *runner = sk_container_of(task, struct runner, task);
    if (++runner->turns >= 1000 && runner->timer_at_turn >= 0)
        sk_loop_stop(runner->loop);
    else
        sk_loop_defer(runner->loop, task, run_again);
}

static void note_turn(struct sk_timer *timer)
{
    struct runner *runner = sk_container_of(timer, struct runner, timer);
    runner->timer_at_turn = runner->turns;
}

/* A task that queues itself neither sleeps nor starves timers. */
static void test_task_again(void **state)
{
    (void)state;
    struct runner runner = {.loop = new_loop(), .timer_at_turn = -1};
    sk_timer_start(runner.loop, &runner.timer, sk_loop_now(runner.loop), note_turn);
    sk_loop_defer(runner.loop, &runner.task, run_again);
    sk_loop_defer(runner.loop, &runner.task, run_again);
    assert_int_equal(runner.turns, 0);
    sk_loop_run(runner.loop);
    assert_true(runner.turns >= 1000);
    sk_loop_free(runner.loop);
}

struct trio {
    struct sk_task a, b, c;
    struct sk_loop *loop;
    char order[8];
};

static void run_c(struct sk_task *task)
{
    struct trio *trio = sk_container_of(task, struct trio, c);
    strcat(trio->order, "c");
    sk_loop_stop(trio->loop);
}

static void run_b(struct sk_task *task)
{
    strcat(sk_container_of(task, struct trio, b)->order, "b");
}

static void run_a(struct sk_task *task)
{
    struct trio *trio = sk_container_of(task, struct trio, a);
    strcat(trio->order, "a");
    sk_loop_undefer(&trio->b); /* of the same turn */
}

static void test_order_and_undefer(void **state)
{
    (void)state;
    struct trio trio = {.loop = new_loop()};
    sk_loop_undefer(&trio.c);
    sk_loop_defer(trio.loop, &trio.a, run_a);
    sk_loop_defer(trio.loop, &trio.b, run_b);
    sk_loop_defer(trio.loop, &trio.c, run_c);
    sk_loop_run(trio.loop);
    assert_string_equal(trio.order, "ac");
    sk_loop_free(trio.loop);
}

static void stop_and_defer(struct sk_task *task)
{
    struct trio *trio = sk_container_of(task, struct trio, a);
    strcat(trio->order, "a");
    sk_loop_stop(trio->loop);
}

/* sk_loop_run can be called again; what is queued meanwhile waits for that. */
static void test_run_twice(void **state)
{
    (void)state;
    struct trio trio = {.loop = new_loop()};
    sk_loop_defer(trio.loop, &trio.a, stop_and_defer);
    sk_loop_run(trio.loop);
    sk_loop_defer(trio.loop, &trio.a, stop_and_defer);
    assert_string_equal(trio.order, "a");
    sk_loop_run(trio.loop);
    assert_string_equal(trio.order, "aa");
    sk_loop_free(trio.loop);
}

/* --- descriptors ---------------------------------------------------------- */

struct watcher {
    struct sk_loop *loop;
    struct sk_watch *watch, *other;
    struct sk_timer timer;
    int fd, calls;
    unsigned seen;
    struct sk_instant told;
};

static void stop_loop(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct watcher, timer)->loop);
}

static void run_for(struct watcher *watcher, int ms)
{
    struct sk_instant at = sk_instant_add(sk_clock_boot(), SK_MSEC(ms));
    sk_timer_start(watcher->loop, &watcher->timer, at, stop_loop);
    sk_loop_run(watcher->loop);
}

static void run_until(struct watcher *watcher, int calls)
{
    while (watcher->calls < calls)
        run_for(watcher, 1);
}

static void count_event(void *arg, unsigned events)
{
    struct watcher *watcher = arg;
    watcher->calls++;
    watcher->seen |= events;
}

static void count_three(void *arg, unsigned events)
{
    struct watcher *watcher = arg;
    count_event(watcher, events);
    if (watcher->calls == 3)
        sk_watch_set(watcher->watch, 0);
}

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void test_level_triggered(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.loop = new_loop()};
    open_pair(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(sk_watch_open(w.loop, fds[0], count_three, &w, &w.watch, NULL), SK_OK);
    run_for(&w, 10);
    assert_int_equal(w.calls, 0); /* silent at first */
    sk_watch_set(w.watch, SK_READABLE);
    run_until(&w, 3);
    run_for(&w, 20);
    assert_int_equal(w.calls, 3); /* again and again while unread, silent once told */
    assert_int_equal(w.seen, SK_READABLE);
    sk_watch_close(w.watch);
    (void)close(fds[0]);
    (void)close(fds[1]);
    sk_loop_free(w.loop);
}

/* The far end of a pipe goes away: an error for the writer, told as the event it asked for. */
static void test_error_is_an_event(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.loop = new_loop()};
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(fds[1], &w, sizeof(w)) > 0)
        ;
    assert_int_equal(sk_watch_open(w.loop, fds[1], count_three, &w, &w.watch, NULL), SK_OK);
    sk_watch_set(w.watch, SK_WRITABLE);
    run_for(&w, 10);
    assert_int_equal(w.calls, 0);
    (void)close(fds[0]);
    run_until(&w, 3);
    run_for(&w, 20);
    assert_int_equal(w.calls, 3);
    assert_int_equal(w.seen, SK_WRITABLE);
    sk_watch_close(w.watch);
    (void)close(fds[1]);
    sk_loop_free(w.loop);
}

static void close_other(void *arg, unsigned events)
{
    struct watcher *watcher = arg;
    count_event(watcher, events);
    sk_watch_close(sk_take(watcher->other));
    sk_watch_close(sk_take(watcher->watch));
}

static void close_other_too(void *arg, unsigned events)
{
    struct watcher *watcher = arg;
    count_event(watcher, events);
    sk_watch_close(sk_take(watcher->watch));
    sk_watch_close(sk_take(watcher->other));
}

/* Two are ready in one turn; the first to run closes both; the other must not run. */
static void test_close_is_final(void **state)
{
    (void)state;
    int a[2], b[2];
    struct watcher w = {.loop = new_loop()};
    open_pair(a);
    open_pair(b);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(sk_watch_open(w.loop, a[0], close_other, &w, &w.watch, NULL), SK_OK);
    assert_int_equal(sk_watch_open(w.loop, b[0], close_other_too, &w, &w.other, NULL), SK_OK);
    sk_watch_set(w.watch, SK_READABLE);
    sk_watch_set(w.other, SK_READABLE);
    run_for(&w, 20);
    assert_int_equal(w.calls, 1);
    sk_watch_close(NULL);
    for (int i = 0; i < 2; i++) {
        (void)close(a[i]);
        (void)close(b[i]);
    }
    sk_loop_free(w.loop);
}

static void test_not_watchable(void **state)
{
    (void)state;
    struct watcher w = {.loop = new_loop()};
    struct sk_err err;
    SK_AUTO_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(sk_watch_open(w.loop, fd, count_event, &w, &w.watch, &err), SK_INTERNAL);
    assert_null(w.watch);
    assert_true(err.sys != 0);
    sk_loop_free(w.loop);
}

/* A descriptor number is used again right after it was closed. */
static void test_number_reused(void **state)
{
    (void)state;
    struct watcher w = {.loop = new_loop()};
    for (int i = 0; i < 100; i++) {
        int fds[2];
        open_pair(fds);
        assert_int_equal(sk_watch_open(w.loop, fds[0], count_event, &w, &w.watch, NULL), SK_OK);
        sk_watch_set(w.watch, SK_READABLE);
        sk_watch_close(sk_take(w.watch));
        (void)close(fds[0]);
        (void)close(fds[1]);
    }
    run_for(&w, 5);
    assert_int_equal(w.calls, 0);
    sk_loop_free(w.loop);
}

/* After a long sleep the time is that of the wake-up, not of the falling asleep. */
static void note_time(void *arg, unsigned events)
{
    struct watcher *watcher = arg;
    (void)events;
    watcher->told = sk_loop_now(watcher->loop);
    watcher->calls++;
    sk_loop_stop(watcher->loop);
    sk_watch_set(watcher->watch, 0);
}

struct later {
    int fd;
    struct sk_instant written;
};

static void *write_later(void *arg)
{
    struct later *later = arg;
    (void)usleep(60000);
    later->written = sk_clock_boot();
    (void)!write(later->fd, "x", 1);
    return NULL;
}

static void test_time_after_sleep(void **state)
{
    (void)state;
    int fds[2];
    pthread_t thread;
    struct watcher w = {.loop = new_loop()};
    open_pair(fds);
    struct later later = {.fd = fds[1]};
    assert_int_equal(sk_watch_open(w.loop, fds[0], note_time, &w, &w.watch, NULL), SK_OK);
    sk_watch_set(w.watch, SK_READABLE);
    assert_int_equal(pthread_create(&thread, NULL, write_later, &later), 0);
    sk_loop_run(w.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w.calls, 1);
    assert_true(w.told.ns >= later.written.ns);
    sk_watch_close(w.watch);
    (void)close(fds[0]);
    (void)close(fds[1]);
    sk_loop_free(w.loop);
}

/* --- signals -------------------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
    struct watcher *watcher = arg;
    watcher->calls++;
    watcher->seen = (unsigned)signo;
    sk_loop_stop(watcher->loop);
}

static void test_signal(void **state)
{
    (void)state;
    struct watcher w = {.loop = new_loop()};
    struct sk_signal *sig;
    assert_int_equal(sk_signal_open(w.loop, SIGUSR1, on_signal, &w, &sig, NULL), SK_OK);
    assert_int_equal(raise(SIGUSR1), 0);
    sk_loop_run(w.loop);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.seen, SIGUSR1);
    sk_signal_close(sig);
    sk_signal_close(NULL);
    struct sk_err err;
    assert_int_equal(sk_signal_open(w.loop, SIGKILL, on_signal, &w, &sig, &err), SK_INTERNAL);
    sk_loop_free(w.loop);
    sk_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_never_early),
        cmocka_unit_test(test_stopped_and_moved),
        cmocka_unit_test(test_due_long_ago),
        cmocka_unit_test(test_task_again),
        cmocka_unit_test(test_order_and_undefer),
        cmocka_unit_test(test_run_twice),
        cmocka_unit_test(test_level_triggered),
        cmocka_unit_test(test_error_is_an_event),
        cmocka_unit_test(test_close_is_final),
        cmocka_unit_test(test_not_watchable),
        cmocka_unit_test(test_number_reused),
        cmocka_unit_test(test_time_after_sleep),
        cmocka_unit_test(test_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
