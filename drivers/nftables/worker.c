#include "drivers/nftables/worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>

#define QUIET_MS 20

/* --- on the loop ------------------------------------------------------------- */

static void answer(struct sk_post *post)
{
    struct sk_job *job = sk_container_of(post, struct sk_job, post);
    if (job->done)
        sk_done_fire(job->done, job->err.code == SK_OK ? NULL : &job->err);
    job->release(job);
}

static void wake(struct sk_worker *worker)
{
    (void)!eventfd_write(worker->wake, 1); /* full is awake enough */
}

void sk_worker_add(struct sk_worker *worker, struct sk_job *job)
{
    assert(!worker->closed);
    (void)pthread_mutex_lock(&worker->mutex);
    *worker->last = job;
    worker->last = &job->next;
    (void)pthread_mutex_unlock(&worker->mutex);
    wake(worker);
}

static void finish(struct sk_post *post)
{
    struct sk_worker *worker = sk_container_of(post, struct sk_worker, gone);
    (void)pthread_join(worker->thread, NULL);
    (void)pthread_mutex_destroy(&worker->mutex);
    sk_close_fd(&worker->wake);
    sk_done_fire(worker->closed, NULL);
}

void sk_worker_close(struct sk_worker *worker, struct sk_done *done)
{
    assert(!worker->closed);
    worker->closed = done;
    (void)pthread_mutex_lock(&worker->mutex);
    worker->closing = true;
    (void)pthread_mutex_unlock(&worker->mutex);
    wake(worker);
}

/* --- on the thread ----------------------------------------------------------- */

static struct sk_job *take(struct sk_worker *worker, bool *out_closing)
{
    (void)pthread_mutex_lock(&worker->mutex);
    struct sk_job *job = worker->first;
    if (job) {
        worker->first = job->next;
        if (!worker->first)
            worker->last = &worker->first;
    }
    *out_closing = worker->closing;
    (void)pthread_mutex_unlock(&worker->mutex);
    return job;
}

static void await(struct sk_worker *worker, int timeout_ms)
{
    struct pollfd polls[1 + SK_WORKER_FDS] = {{.fd = worker->wake, .events = POLLIN}};
    eventfd_t count;
    for (size_t i = 0; i < SK_WORKER_FDS; i++)
        polls[1 + i] = (struct pollfd){.fd = worker->fds[i], .events = POLLIN};
    if (poll(polls, sk_array_len(polls), timeout_ms) > 0 && polls[0].revents)
        (void)!eventfd_read(worker->wake, &count);
}

/* What is prepared for later must not stand in the way of those who come one after the other. */
static int until_quiet(struct sk_instant last_job)
{
    int64_t since_ms = sk_duration_ms(sk_instant_diff(sk_clock_boot(), last_job));
    return since_ms < QUIET_MS ? (int)(QUIET_MS - since_ms) : 0;
}

static void idle(struct sk_worker *worker, int wait_ms, struct sk_instant last_job)
{
    int quiet_ms = worker->hungry ? until_quiet(last_job) : -1;
    if (quiet_ms == 0)
        worker->hungry = worker->prepare(worker->arg);
    else
        await(worker, quiet_ms > 0 && (wait_ms < 0 || quiet_ms < wait_ms) ? quiet_ms : wait_ms);
}

static void serve(struct sk_worker *worker)
{
    struct sk_instant last_job = {0};
    bool closing = false;
    worker->hungry = true;
    for (;;) {
        int wait_ms = worker->look(worker->arg);
        struct sk_job *job = take(worker, &closing);
        if (job) {
            job->run(job);
            sk_loop_post(worker->loop, &job->post, answer);
            last_job = sk_clock_boot();
            worker->hungry = true;
        } else if (closing) {
            return;
        } else {
            idle(worker, wait_ms, last_job);
        }
    }
}

struct start {
    struct sk_worker *worker;
    struct sk_err err;
    sem_t ready;
};

static void *work(void *arg)
{
    struct start *start = arg;
    struct sk_worker *worker = start->worker;
    bool begun = worker->begin(worker->arg, &start->err) == SK_OK;
    (void)sem_post(&start->ready); /* `start` is gone from here on */
    if (begun) {
        serve(worker);
        worker->end(worker->arg);
        sk_loop_post(worker->loop, &worker->gone, finish);
    }
    return NULL;
}

/* --- open -------------------------------------------------------------------- */

/* Signals are the loop thread's business. */
static int start_thread(struct sk_worker *worker, struct start *start)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&worker->thread, NULL, work, start);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

static enum sk_code begin(struct sk_worker *worker, struct sk_err *err)
{
    struct start start = {.worker = worker};
    (void)sem_init(&start.ready, 0, 0);
    int sys = start_thread(worker, &start);
    if (sys)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "start the network's thread");
    while (sem_wait(&start.ready) < 0 && errno == EINTR)
        ;
    (void)sem_destroy(&start.ready);
    if (start.err.code == SK_OK)
        return SK_OK;
    (void)pthread_join(worker->thread, NULL);
    if (err)
        *err = start.err;
    return start.err.code;
}

enum sk_code sk_worker_open(struct sk_worker *worker, struct sk_loop *loop, struct sk_err *err)
{
    worker->loop = loop;
    worker->last = &worker->first;
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "wake the network's thread");
    (void)pthread_mutex_init(&worker->mutex, NULL);
    enum sk_code code = begin(worker, err);
    if (code != SK_OK) {
        (void)pthread_mutex_destroy(&worker->mutex);
        sk_close_fd(&worker->wake);
    }
    return code;
}
