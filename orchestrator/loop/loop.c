#include "loop/failpoint.h"
#include "loop/posts.h"
#include "loop/timers.h"
#include "loop/uv_loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>

enum { POSTS_A_TURN = 256 }; /* so that senders cannot starve descriptors and timers */

struct sk_loop {
    uv_loop_t uv;
    uv_async_t wake;         /* posts have come, or the loop is to stop */
    uv_check_t after;        /* runs the tasks, once a turn, after the descriptors */
    uv_idle_t hurry;         /* active while tasks are queued: keeps the turn from sleeping */
    uv_poll_t clock;         /* on timer_fd */
    int timer_fd;            /* of CLOCK_BOOTTIME, which uv's own timers do not know */
    struct sk_instant armed; /* what timer_fd is set to; unset = off */
    struct sk_instant now;
    struct sk_wall wall;
    struct sk_timers timers;
    struct sk_list tasks;
    struct sk_posts posts;
    atomic_bool stopping;
    size_t handles;                 /* open watches and signals, work under way */
    struct sk_failpoint *failpoint; /* of test builds, or NULL */
};

uv_loop_t *sk_loop_uv(struct sk_loop *loop)
{
    return &loop->uv;
}

void sk_loop_hold(struct sk_loop *loop)
{
    loop->handles++;
}

void sk_loop_unhold(struct sk_loop *loop)
{
    loop->handles--;
}

void sk_loop_tick(struct sk_loop *loop)
{
    loop->now = sk_clock_boot();
    loop->wall = sk_clock_wall();
}

/* --- timers -------------------------------------------------------------- */

static void set_clock(struct sk_loop *loop, struct sk_instant at)
{
    int64_t ns = at.ns < 0 ? 1 : at.ns; /* long past; 0 would turn it off */
    struct itimerspec when = {.it_value = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};
    int failed = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(!failed);
    (void)failed;
    loop->armed = at;
}

/* An alarm that rings too early costs a turn, so a stopped timer leaves it set. */
static void advance_clock(struct sk_loop *loop)
{
    struct sk_instant next = sk_timers_next(&loop->timers);
    if (sk_instant_min(loop->armed, next).ns != loop->armed.ns)
        set_clock(loop, next);
}

static void on_clock(uv_poll_t *handle, int status, int events)
{
    struct sk_loop *loop = handle->data;
    (void)status;
    (void)events;
    sk_loop_tick(loop);
    (void)sk_timers_fire(&loop->timers, loop->now);
    set_clock(loop, sk_timers_next(&loop->timers)); /* always: setting it silences the descriptor */
}

void sk_timer_start(struct sk_loop *loop, struct sk_timer *timer, struct sk_instant at,
                    void (*fn)(struct sk_timer *timer))
{
    assert(sk_instant_is_set(at));
    timer->at = at;
    timer->fn = fn;
    sk_timers_put(&loop->timers, timer);
    advance_clock(loop);
}

void sk_timer_stop(struct sk_loop *loop, struct sk_timer *timer)
{
    sk_timers_remove(&loop->timers, timer);
}

/* --- tasks and posts ----------------------------------------------------- */

static void on_hurry(uv_idle_t *handle)
{
    (void)handle;
}

static void on_after(uv_check_t *handle)
{
    struct sk_loop *loop = handle->data;
    struct sk_list batch, *link;
    if (sk_list_is_empty(&loop->tasks)) {
        (void)uv_idle_stop(&loop->hurry);
        return;
    }
    sk_loop_tick(loop);
    sk_list_init(&batch);
    sk_list_move_all(&batch, &loop->tasks); /* what these queue is for the next turn */
    while ((link = sk_list_pop(&batch))) {
        struct sk_task *task = sk_list_entry(link, struct sk_task, link);
        task->fn(task);
    }
    if (sk_list_is_empty(&loop->tasks))
        (void)uv_idle_stop(&loop->hurry);
}

void sk_loop_defer(struct sk_loop *loop, struct sk_task *task, void (*fn)(struct sk_task *task))
{
    if (sk_list_is_linked(&task->link))
        return;
    task->fn = fn;
    sk_list_append(&loop->tasks, &task->link);
    (void)uv_idle_start(&loop->hurry, on_hurry);
}

void sk_loop_undefer(struct sk_task *task)
{
    sk_list_remove(&task->link);
}

static void on_wake(uv_async_t *handle)
{
    struct sk_loop *loop = handle->data;
    sk_loop_tick(loop);
    if (sk_posts_run(&loop->posts, POSTS_A_TURN) == POSTS_A_TURN)
        (void)uv_async_send(&loop->wake);
    if (atomic_exchange(&loop->stopping, false))
        uv_stop(&loop->uv);
}

void sk_loop_post(struct sk_loop *loop, struct sk_post *post, void (*fn)(struct sk_post *post))
{
    post->fn = fn;
    if (sk_posts_push(&loop->posts, post))
        (void)uv_async_send(&loop->wake);
}

void sk_loop_stop(struct sk_loop *loop)
{
    atomic_store(&loop->stopping, true);
    (void)uv_async_send(&loop->wake);
}

/* --- the loop itself ------------------------------------------------------ */

struct sk_failpoint *sk_loop_failpoint(const struct sk_loop *loop)
{
    return loop->failpoint;
}

static void close_all(struct sk_loop *loop)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&loop->wake, (uv_handle_t *)&loop->after,
                              (uv_handle_t *)&loop->hurry, (uv_handle_t *)&loop->clock};
    for (size_t i = 0; i < sk_array_len(handles); i++) {
        if (handles[i]->data)
            uv_close(handles[i], NULL);
    }
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int left = uv_loop_close(&loop->uv);
    assert(left == 0);
    (void)left;
    sk_close_fd(&loop->timer_fd);
    sk_failpoint_free(loop->failpoint);
    free(loop);
}

/* Opens what can fail; a handle whose data is set is open. Returns 0 or a uv error. */
static int open_all(struct sk_loop *loop)
{
    int failed = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (failed)
        return failed;
    loop->wake.data = loop;
    loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer_fd < 0)
        return -errno;
    failed = uv_poll_init(&loop->uv, &loop->clock, loop->timer_fd);
    if (failed)
        return failed;
    loop->clock.data = loop;
    return uv_poll_start(&loop->clock, UV_READABLE, on_clock);
}

/* None of these can fail. */
static void open_turn(struct sk_loop *loop)
{
    (void)uv_check_init(&loop->uv, &loop->after);
    (void)uv_check_start(&loop->after, on_after);
    loop->after.data = loop;
    (void)uv_idle_init(&loop->uv, &loop->hurry);
    loop->hurry.data = loop;
}

enum sk_code sk_loop_new(struct sk_loop **out_loop, struct sk_err *err)
{
    struct sk_loop *loop = sk_alloc(sizeof(*loop));
    loop->timer_fd = -1;
    sk_list_init(&loop->tasks);
    int failed = uv_loop_init(&loop->uv);
    if (failed) {
        free(loop);
        return sk_fail_sys(err, SK_INTERNAL, -failed, "make a loop");
    }
    loop->failpoint = sk_failpoint_from_environment();
    open_turn(loop);
    failed = open_all(loop);
    if (failed) {
        close_all(loop);
        return sk_fail_sys(err, SK_INTERNAL, -failed, "make a loop");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    sk_loop_tick(loop);
    *out_loop = loop;
    return SK_OK;
}

void sk_loop_free(struct sk_loop *loop)
{
    if (!loop)
        return;
    assert(loop->handles == 0 && sk_list_is_empty(&loop->tasks) && sk_posts_is_empty(&loop->posts));
    sk_timers_fini(&loop->timers);
    close_all(loop);
}

void sk_loop_run(struct sk_loop *loop)
{
    sk_loop_tick(loop);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

struct sk_instant sk_loop_now(const struct sk_loop *loop)
{
    return loop->now;
}

struct sk_wall sk_loop_wall(const struct sk_loop *loop)
{
    return loop->wall;
}

/* --- descriptors ---------------------------------------------------------- */

struct sk_watch {
    uv_poll_t poll;
    struct sk_loop *loop;
    void (*fn)(void *arg, unsigned events);
    void *arg;
    unsigned events; /* wanted */
    unsigned armed;  /* what uv looks for */
};

static void on_ready(uv_poll_t *handle, int status, int events);

static void arm(struct sk_watch *watch)
{
    if (watch->events == watch->armed)
        return;
    watch->armed = watch->events;
    if (!watch->events) {
        (void)uv_poll_stop(&watch->poll);
        return;
    }
    int wanted =
        (watch->events & SK_READABLE ? UV_READABLE : 0) | (watch->events & SK_WRITABLE ? UV_WRITABLE : 0);
    int failed = uv_poll_start(&watch->poll, wanted, on_ready); /* fails only on a closing handle */
    assert(!failed);
    (void)failed;
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct sk_watch *watch = sk_container_of(handle, struct sk_watch, poll);
    unsigned ready = (events & UV_READABLE ? SK_READABLE : 0) | (events & UV_WRITABLE ? SK_WRITABLE : 0);
    if (status < 0) {
        watch->armed = 0; /* uv stops watching a descriptor with an error */
        ready = SK_READABLE | SK_WRITABLE;
    }
    sk_loop_tick(watch->loop);
    if (ready & watch->events)
        watch->fn(watch->arg, ready & watch->events);
    if (!uv_is_closing((uv_handle_t *)handle)) /* its memory lasts until the closing phase */
        arm(watch);
}

enum sk_code sk_watch_open(struct sk_loop *loop, int fd, void (*fn)(void *arg, unsigned events), void *arg,
                           struct sk_watch **out_watch, struct sk_err *err)
{
    struct sk_watch *watch = sk_alloc(sizeof(*watch));
    int failed = uv_poll_init(&loop->uv, &watch->poll, fd);
    if (failed) {
        free(watch);
        return sk_fail_sys(err, SK_INTERNAL, -failed, "watch descriptor %d", fd);
    }
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    loop->handles++;
    *out_watch = watch;
    return SK_OK;
}

void sk_watch_set(struct sk_watch *watch, unsigned events)
{
    watch->events = events;
    arm(watch);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(sk_container_of((uv_poll_t *)handle, struct sk_watch, poll));
}

void sk_watch_close(struct sk_watch *watch)
{
    if (!watch)
        return;
    watch->loop->handles--;
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* --- signals ---------------------------------------------------------------- */

struct sk_signal {
    uv_signal_t handle;
    struct sk_loop *loop;
    void (*fn)(void *arg, int signo);
    void *arg;
};

static void on_signal(uv_signal_t *handle, int signo)
{
    struct sk_signal *sig = sk_container_of(handle, struct sk_signal, handle);
    sk_loop_tick(sig->loop);
    sig->fn(sig->arg, signo);
}

enum sk_code sk_signal_open(struct sk_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
                            struct sk_signal **out_signal, struct sk_err *err)
{
    struct sk_signal *sig = sk_alloc(sizeof(*sig));
    (void)uv_signal_init(&loop->uv, &sig->handle);
    sig->loop = loop;
    sig->fn = fn;
    sig->arg = arg;
    loop->handles++;
    int failed = uv_signal_start(&sig->handle, on_signal, signo);
    if (failed) {
        sk_signal_close(sig);
        return sk_fail_sys(err, SK_INTERNAL, -failed, "catch signal %d", signo);
    }
    *out_signal = sig;
    return SK_OK;
}

static void on_signal_closed(uv_handle_t *handle)
{
    free(sk_container_of((uv_signal_t *)handle, struct sk_signal, handle));
}

void sk_signal_close(struct sk_signal *sig)
{
    if (!sig)
        return;
    sig->loop->handles--;
    uv_close((uv_handle_t *)&sig->handle, on_signal_closed);
}
