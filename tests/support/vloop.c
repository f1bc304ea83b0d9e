#include "support/vloop.h"
#include "loop/failpoint.h"
#include "loop/posts.h"
#include "loop/timers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>

enum { TURNS_MAX = 1000000 };

struct sk_loop {
    struct sk_instant now;
    struct sk_wall wall;
    struct sk_timers timers;
    struct sk_list tasks;
    struct sk_list watches, signals;
    size_t open_watches;
    struct sk_posts posts;
    int wake_fd; /* written by posts, for sk_vloop_wait_fd */
    atomic_bool stopping;
    bool in_turn;
};

struct sk_watch {
    struct sk_list link;
    struct sk_loop *loop;
    int fd;
    unsigned events;
    void (*fn)(void *arg, unsigned events); /* NULL = closed */
    void *arg;
};

struct sk_signal {
    struct sk_list link;
    int signo;
    void (*fn)(void *arg, int signo);
    void *arg;
};

/* Of the real loop alone. */
struct sk_failpoint *sk_loop_failpoint(const struct sk_loop *loop)
{
    (void)loop;
    return NULL;
}

/* --- making and freeing ---------------------------------------------------- */

struct sk_loop *sk_vloop_new(void)
{
    struct sk_loop *loop = sk_alloc(sizeof(*loop));
    loop->now.ns = 1000 * INT64_C(1000000000);
    loop->wall.ns = INT64_C(1750000000) * 1000000000; /* some day in June 2025 */
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sk_list_init(&loop->tasks);
    sk_list_init(&loop->watches);
    sk_list_init(&loop->signals);
    (void)signal(SIGPIPE, SIG_IGN);
    return loop;
}

enum sk_code sk_loop_new(struct sk_loop **out_loop, struct sk_err *err)
{
    (void)err;
    *out_loop = sk_vloop_new();
    return SK_OK;
}

static void sweep_watches(struct sk_loop *loop)
{
    sk_list_each(&loop->watches, link)
    {
        struct sk_watch *watch = sk_list_entry(link, struct sk_watch, link);
        if (watch->fn)
            continue;
        sk_list_remove(link);
        free(watch);
    }
}

bool sk_vloop_is_empty(const struct sk_loop *loop)
{
    return sk_list_is_empty(&loop->tasks) && sk_posts_is_empty(&loop->posts) && loop->timers.len == 0 &&
           loop->open_watches == 0 && sk_list_is_empty(&loop->signals);
}

void sk_loop_free(struct sk_loop *loop)
{
    if (!loop)
        return;
    assert(sk_vloop_is_empty(loop) && !loop->in_turn);
    sweep_watches(loop);
    sk_timers_fini(&loop->timers);
    sk_close_fd(&loop->wake_fd);
    free(loop);
}

/* --- one turn --------------------------------------------------------------- */

static bool run_posts(struct sk_loop *loop)
{
    eventfd_t count;
    if (!sk_posts_is_empty(&loop->posts))
        (void)eventfd_read(loop->wake_fd, &count); /* first, or a wake-up could get lost */
    return sk_posts_run(&loop->posts, SIZE_MAX) > 0;
}

static short poll_events(unsigned events)
{
    return (short)((events & SK_READABLE ? POLLIN : 0) | (events & SK_WRITABLE ? POLLOUT : 0));
}

static unsigned watch_events(short revents)
{
    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        return SK_READABLE | SK_WRITABLE;
    return (revents & POLLIN ? SK_READABLE : 0u) | (revents & POLLOUT ? SK_WRITABLE : 0u);
}

/* Arrays of the watches that want something, and one pollfd more for the waker. */
static size_t gather(struct sk_loop *loop, struct sk_watch ***out_watches, struct pollfd **out_fds)
{
    struct sk_watch **watches = sk_alloc((loop->open_watches + 1) * sizeof(struct sk_watch *));
    struct pollfd *fds = sk_alloc((loop->open_watches + 1) * sizeof(*fds));
    size_t len = 0;
    sk_list_each(&loop->watches, link)
    {
        struct sk_watch *watch = sk_list_entry(link, struct sk_watch, link);
        if (!watch->fn || !watch->events)
            continue;
        watches[len] = watch;
        fds[len++] = (struct pollfd){.fd = watch->fd, .events = poll_events(watch->events)};
    }
    fds[len] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    *out_watches = watches;
    *out_fds = fds;
    return len;
}

static bool run_watches(struct sk_loop *loop)
{
    SK_AUTO_FREE struct sk_watch **watches = NULL;
    SK_AUTO_FREE struct pollfd *fds = NULL;
    size_t len = gather(loop, &watches, &fds);
    bool any = false;
    if (len == 0 || poll(fds, len, 0) <= 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        /* An earlier one may have closed it (its memory stays until the turn ends) or silenced it. */
        unsigned ready = watch_events(fds[i].revents) & watches[i]->events;
        if (!fds[i].revents || !watches[i]->fn || !ready)
            continue;
        any = true;
        watches[i]->fn(watches[i]->arg, ready);
    }
    return any;
}

static bool run_tasks(struct sk_loop *loop)
{
    struct sk_list batch, *link;
    bool any = false;
    sk_list_init(&batch);
    sk_list_move_all(&batch, &loop->tasks);
    while ((link = sk_list_pop(&batch))) {
        struct sk_task *task = sk_list_entry(link, struct sk_task, link);
        any = true;
        task->fn(task);
    }
    return any;
}

bool sk_vloop_turn(struct sk_loop *loop)
{
    assert(!loop->in_turn); /* a callback must not run the loop */
    loop->in_turn = true;
    bool any = run_posts(loop);
    any = run_watches(loop) || any;
    any = sk_timers_fire(&loop->timers, loop->now) > 0 || any;
    any = run_tasks(loop) || any;
    sweep_watches(loop);
    loop->in_turn = false;
    return any;
}

/* --- many turns -------------------------------------------------------------- */

void sk_vloop_settle(struct sk_loop *loop)
{
    for (size_t turns = 0; sk_vloop_turn(loop); turns++) {
        if (turns < TURNS_MAX)
            continue;
        (void)fprintf(stderr, "vloop: still busy after %d turns\n", TURNS_MAX);
        abort();
    }
}

static void move_to(struct sk_loop *loop, struct sk_instant at)
{
    if (at.ns <= loop->now.ns)
        return;
    loop->wall.ns += at.ns - loop->now.ns;
    loop->now = at;
}

void sk_vloop_advance(struct sk_loop *loop, struct sk_duration by)
{
    struct sk_instant end = sk_instant_add(loop->now, by);
    sk_vloop_settle(loop);
    for (struct sk_instant next = sk_timers_next(&loop->timers); sk_instant_is_set(next) && next.ns <= end.ns;
         next = sk_timers_next(&loop->timers)) {
        move_to(loop, next);
        sk_vloop_settle(loop);
    }
    move_to(loop, end);
    sk_vloop_settle(loop);
}

void sk_vloop_stall(struct sk_loop *loop, struct sk_duration by)
{
    move_to(loop, sk_instant_add(loop->now, by));
    (void)sk_timers_fire(&loop->timers, loop->now);
    sk_vloop_settle(loop);
}

bool sk_vloop_wait_fd(struct sk_loop *loop, int real_ms)
{
    SK_AUTO_FREE struct sk_watch **watches = NULL;
    SK_AUTO_FREE struct pollfd *fds = NULL;
    size_t len = gather(loop, &watches, &fds);
    eventfd_t count;
    bool any = poll(fds, len + 1, real_ms) > 0;
    if (any && fds[len].revents)
        (void)eventfd_read(loop->wake_fd, &count);
    sk_vloop_settle(loop);
    return any;
}

void sk_loop_run(struct sk_loop *loop)
{
    while (!atomic_exchange(&loop->stopping, false)) {
        if (!sk_vloop_turn(loop) && !atomic_load(&loop->stopping))
            (void)sk_vloop_wait_fd(loop, -1);
    }
}

static void wake(struct sk_loop *loop)
{
    (void)eventfd_write(loop->wake_fd, 1);
}

void sk_loop_stop(struct sk_loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

/* --- what loop.h promises ----------------------------------------------------- */

struct sk_instant sk_loop_now(const struct sk_loop *loop)
{
    return loop->now;
}

struct sk_wall sk_loop_wall(const struct sk_loop *loop)
{
    return loop->wall;
}

void sk_vloop_jump_wall(struct sk_loop *loop, struct sk_duration by)
{
    loop->wall.ns += by.ns;
}

void sk_loop_defer(struct sk_loop *loop, struct sk_task *task, void (*fn)(struct sk_task *task))
{
    if (sk_list_is_linked(&task->link))
        return;
    task->fn = fn;
    sk_list_append(&loop->tasks, &task->link);
}

void sk_loop_undefer(struct sk_task *task)
{
    sk_list_remove(&task->link);
}

void sk_loop_post(struct sk_loop *loop, struct sk_post *post, void (*fn)(struct sk_post *post))
{
    post->fn = fn;
    if (sk_posts_push(&loop->posts, post))
        wake(loop);
}

void sk_timer_start(struct sk_loop *loop, struct sk_timer *timer, struct sk_instant at,
                    void (*fn)(struct sk_timer *timer))
{
    assert(sk_instant_is_set(at));
    timer->at = at;
    timer->fn = fn;
    sk_timers_put(&loop->timers, timer);
}

void sk_timer_stop(struct sk_loop *loop, struct sk_timer *timer)
{
    sk_timers_remove(&loop->timers, timer);
}

enum sk_code sk_watch_open(struct sk_loop *loop, int fd, void (*fn)(void *arg, unsigned events), void *arg,
                           struct sk_watch **out_watch, struct sk_err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "watch descriptor %d", fd);
    struct sk_watch *watch = sk_alloc(sizeof(*watch));
    *watch = (struct sk_watch){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
    sk_list_append(&loop->watches, &watch->link);
    loop->open_watches++;
    *out_watch = watch;
    return SK_OK;
}

void sk_watch_set(struct sk_watch *watch, unsigned events)
{
    watch->events = events;
}

void sk_watch_close(struct sk_watch *watch)
{
    if (!watch)
        return;
    assert(watch->fn);
    watch->fn = NULL;
    watch->loop->open_watches--;
    if (!watch->loop->in_turn)
        sweep_watches(watch->loop);
}

enum sk_code sk_signal_open(struct sk_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
                            struct sk_signal **out_signal, struct sk_err *err)
{
    (void)err;
    struct sk_signal *sig = sk_alloc(sizeof(*sig));
    *sig = (struct sk_signal){.signo = signo, .fn = fn, .arg = arg};
    sk_list_append(&loop->signals, &sig->link);
    *out_signal = sig;
    return SK_OK;
}

void sk_signal_close(struct sk_signal *sig)
{
    if (!sig)
        return;
    sk_list_remove(&sig->link);
    free(sig);
}

void sk_vloop_raise(struct sk_loop *loop, int signo)
{
    sk_list_each(&loop->signals, link)
    {
        struct sk_signal *sig = sk_list_entry(link, struct sk_signal, link);
        if (sig->signo == signo)
            sig->fn(sig->arg, signo);
    }
}
