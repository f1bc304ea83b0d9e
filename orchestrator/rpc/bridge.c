#include "rpc/bridge.h"

#include <assert.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <signal.h>

/* Events handed over at once at most, so that a busy queue cannot hold back its own first event. */
#define BATCH_MAX 64

struct event {
    struct sk_tag *tag;
    bool ok;
};

struct batch {
    struct event *events;
    size_t len, cap;
    bool loud; /* has what the loop must be woken for */
};

/* Of a tag's address, which is even: gRPC carries it unseen. */
#define QUIET ((uintptr_t)1)

void *sk_tag_quietly(struct sk_tag *tag)
{
    return (void *)((uintptr_t)tag | QUIET);
}

struct sk_bridge {
    struct sk_loop *loop;
    grpc_completion_queue *queue;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows, up to `post` */
    struct batch arrived;
    bool posted; /* `post` is on its way to the loop */
    bool over;   /* the queue is shut down and drained */
    struct sk_post post;

    struct batch handled;    /* the loop's; swapped with `arrived` */
    struct sk_done *closing; /* the loop's */
};

static void batch_add(struct batch *batch, struct event event)
{
    if (batch->len == batch->cap) {
        batch->cap = batch->cap ? batch->cap * 2 : BATCH_MAX;
        batch->events = sk_realloc(batch->events, batch->cap * sizeof(*batch->events));
    }
    batch->events[batch->len++] = event;
}

/* --- the loop's side ------------------------------------------------------- */

static void end(struct sk_bridge *bridge)
{
    struct sk_done *closing = bridge->closing;

    /* The thread has posted its last word: this waits for its return only. */
    (void)pthread_join(bridge->thread, NULL);
    grpc_completion_queue_destroy(bridge->queue);
    grpc_shutdown();
    pthread_mutex_destroy(&bridge->lock);
    free(bridge->arrived.events);
    free(bridge->handled.events);
    free(bridge);
    sk_done_fire(closing, NULL);
}

static void handle_events(struct sk_post *post)
{
    struct sk_bridge *bridge = sk_container_of(post, struct sk_bridge, post);

    pthread_mutex_lock(&bridge->lock);
    struct batch batch = bridge->arrived;
    bridge->arrived = bridge->handled;
    bridge->posted = false;
    bool over = bridge->over;
    pthread_mutex_unlock(&bridge->lock);

    for (size_t i = 0; i < batch.len; i++)
        batch.events[i].tag->fn(batch.events[i].tag, batch.events[i].ok);
    batch.len = 0;
    bridge->handled = batch;
    if (over)
        end(bridge);
}

/* --- the thread's side ----------------------------------------------------- */

static void hand_over(struct sk_bridge *bridge, const struct batch *batch, bool over)
{
    pthread_mutex_lock(&bridge->lock);
    for (size_t i = 0; i < batch->len; i++)
        batch_add(&bridge->arrived, batch->events[i]);
    bridge->over = over;
    bool wake = !bridge->posted && (batch->loud || over);
    bridge->posted |= wake;
    pthread_mutex_unlock(&bridge->lock);
    if (wake)
        sk_loop_post(bridge->loop, &bridge->post, handle_events);
}

/* Waits for one event, then takes what else is there. False when the queue is over. */
static bool collect(grpc_completion_queue *queue, struct batch *batch)
{
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    batch->len = 0;
    batch->loud = false;
    while (batch->len < BATCH_MAX) {
        grpc_event event = grpc_completion_queue_next(queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return false;
        if (event.type == GRPC_QUEUE_TIMEOUT)
            break;
        bool quiet = (uintptr_t)event.tag & QUIET;
        batch->loud |= !quiet;
        batch_add(batch, (struct event){(void *)((uintptr_t)event.tag & ~QUIET), event.success != 0});
        until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    return true;
}

static void *thread_main(void *arg)
{
    struct sk_bridge *bridge = arg;
    struct batch batch = {0};
    bool more = true;

    while (more) {
        more = collect(bridge->queue, &batch);
        hand_over(bridge, &batch, !more);
    }
    free(batch.events);
    return NULL;
}

/* --- life ------------------------------------------------------------------ */

/* Signals belong to the loop thread. */
static int start_thread(struct sk_bridge *bridge)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&bridge->thread, NULL, thread_main, bridge);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

enum sk_code sk_bridge_new(struct sk_loop *loop, struct sk_bridge **out_bridge, struct sk_err *err)
{
    struct sk_bridge *bridge = sk_alloc(sizeof(*bridge));

    grpc_init();
    bridge->loop = loop;
    bridge->queue = grpc_completion_queue_create_for_next(NULL);
    pthread_mutex_init(&bridge->lock, NULL);
    int sys = start_thread(bridge);
    if (sys) {
        grpc_completion_queue_shutdown(bridge->queue);
        grpc_completion_queue_destroy(bridge->queue);
        grpc_shutdown();
        pthread_mutex_destroy(&bridge->lock);
        free(bridge);
        return sk_fail_sys(err, SK_INTERNAL, sys, "start the gRPC thread");
    }
    *out_bridge = bridge;
    return SK_OK;
}

grpc_completion_queue *sk_bridge_queue(struct sk_bridge *bridge)
{
    return bridge->queue;
}

struct sk_loop *sk_bridge_loop(struct sk_bridge *bridge)
{
    return bridge->loop;
}

void sk_bridge_close(struct sk_bridge *bridge, struct sk_done *done)
{
    assert(!bridge->closing);
    bridge->closing = done;
    grpc_completion_queue_shutdown(bridge->queue);
}

static void drop_line(gpr_log_func_args *args)
{
    (void)args;
}

void sk_bridge_silence(void)
{
    gpr_set_log_function(drop_line);
}
