/* agent_rig.h: a loop, an agent driver and one guest, for tests: calls that
 * wait for their answer, and a record of every event. */
#ifndef SK_TESTS_AGENT_RIG_H
#define SK_TESTS_AGENT_RIG_H

#include "drivers/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RIG_KEYS 6000
#define RIG_ID   "sb-1"
/* What should come is waited for until it is there, within reason. */
#define RIG_LIMIT_MS 60000

struct rig_key {
    int exits, status;
    bool started; /* start() has answered with success */
    int found;
    bool found_main;
    int found_out, found_err;
    bool exit_too_early;
};

struct rig {
    struct sk_loop *loop;
    struct sk_agent *agent;
    struct sk_guest *guest;
    int pid;
    void *driver; /* the maker's */
    /* Makes a guest run for the opened host side; its pid. */
    int (*launch)(struct rig *rig);
    /* Ends the guest for good. */
    void (*kill)(struct rig *rig);

    struct rig_key keys[RIG_KEYS];
    size_t exits;
    int lost;
    struct sk_err lost_err;
    struct sk_timer limit;
    bool timed_out;
};

struct rig_call {
    struct sk_done done;
    struct rig *rig;
    uint64_t key;
    int fired;
    struct sk_err err; /* code SK_OK on success */
};

static void rig_on_exit(void *arg, uint64_t key, int status)
{
    struct rig *rig = arg;
    struct rig_key *k = &rig->keys[key % RIG_KEYS];
    k->exits++;
    k->status = status;
    k->exit_too_early = k->exit_too_early || (!k->started && !k->found);
    rig->exits++;
    sk_loop_stop(rig->loop);
}

static void rig_on_found(void *arg, uint64_t key, bool is_main, int stdout_take, int stderr_take)
{
    struct rig *rig = arg;
    struct rig_key *k = &rig->keys[key % RIG_KEYS];
    k->found++;
    k->found_main = is_main;
    k->found_out = stdout_take;
    k->found_err = stderr_take;
    sk_loop_stop(rig->loop);
}

static void rig_on_lost(void *arg, const struct sk_err *err)
{
    struct rig *rig = arg;
    rig->lost++;
    rig->lost_err = *err;
    sk_loop_stop(rig->loop);
}

static const struct sk_guest_events rig_events = {
    .on_exit = rig_on_exit, .on_found = rig_on_found, .on_lost = rig_on_lost};

static void rig_on_done(struct sk_done *done, const struct sk_err *err)
{
    struct rig_call *call = sk_container_of(done, struct rig_call, done);
    call->fired++;
    if (err)
        call->err = *err;
    else
        call->rig->keys[call->key % RIG_KEYS].started = true;
    sk_loop_stop(call->rig->loop);
}

static void rig_on_limit(struct sk_timer *timer)
{
    struct rig *rig = sk_container_of(timer, struct rig, limit);
    rig->timed_out = true;
    sk_loop_stop(rig->loop);
}

/* Runs the loop until the value is reached; false after `ms`. */
static inline bool rig_until_within(struct rig *rig, const int *value, int wanted, int ms)
{
    rig->timed_out = false;
    sk_timer_start(rig->loop, &rig->limit, sk_instant_add(sk_clock_boot(), SK_MSEC(ms)), rig_on_limit);
    while (*value < wanted && !rig->timed_out)
        sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->limit);
    return *value >= wanted;
}

static inline bool rig_until(struct rig *rig, const int *value, int wanted)
{
    return rig_until_within(rig, value, wanted, RIG_LIMIT_MS);
}

/* Lets the loop run for a while. */
static inline void rig_idle(struct rig *rig, int ms)
{
    int never = 0;
    (void)rig_until_within(rig, &never, 1, ms);
}

static inline void rig_call_init(struct rig_call *call, struct rig *rig, uint64_t key)
{
    *call = (struct rig_call){.rig = rig, .key = key};
    sk_done_init(&call->done, rig_on_done);
}

static inline void rig_open(struct rig *rig)
{
    struct sk_err err;
    assert_int_equal(rig->agent->ops->open(rig->agent, RIG_ID, &rig_events, rig, &rig->guest, &err), SK_OK);
}

static inline enum sk_code rig_await(struct rig *rig)
{
    struct rig_call call;
    rig_call_init(&call, rig, 0);
    rig->agent->ops->await(rig->guest, rig->pid, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

/* Opens, launches and awaits. */
static inline void rig_up(struct rig *rig)
{
    rig_open(rig);
    rig->pid = rig->launch(rig);
    assert_int_equal(rig_await(rig), SK_OK);
}

/* The daemon goes and a new one comes. */
static inline void rig_restart(struct rig *rig)
{
    rig->agent->ops->close(rig->guest, false);
    memset(rig->keys, 0, sizeof rig->keys);
    rig_open(rig);
    assert_int_equal(rig_await(rig), SK_OK);
}

static inline void rig_down(struct rig *rig)
{
    if (rig->guest)
        rig->agent->ops->close(rig->guest, true);
    rig->guest = NULL;
}

static const char *const rig_env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C", NULL};

/* A process without any descriptor. */
#define RIG_PROCESS(the_key, ...)                                                                            \
    ((struct sk_process){.key = (the_key),                                                                   \
                         .argv = (const char *const[]){__VA_ARGS__, NULL},                                   \
                         .env = rig_env,                                                                     \
                         .working_dir = "",                                                                  \
                         .user = "",                                                                         \
                         .stdin_take = -1,                                                                   \
                         .stdout_take = -1,                                                                  \
                         .stderr_take = -1,                                                                  \
                         .stdout_keep_take = -1,                                                             \
                         .stderr_keep_take = -1})

/* Starts and waits for the answer. */
static inline enum sk_code rig_start(struct rig *rig, const struct sk_process *process)
{
    struct rig_call call;
    rig_call_init(&call, rig, process->key);
    rig->agent->ops->start(rig->guest, process, &call.done);
    assert_int_equal(call.fired, 0);
    assert_true(rig_until(rig, &call.fired, 1));
    return call.err.code;
}

static inline int rig_wait_exit(struct rig *rig, uint64_t key)
{
    assert_true(rig_until(rig, &rig->keys[key % RIG_KEYS].exits, 1));
    assert_int_equal(rig->keys[key % RIG_KEYS].exits, 1);
    assert_false(rig->keys[key % RIG_KEYS].exit_too_early);
    return rig->keys[key % RIG_KEYS].status;
}

/* Starts, waits for the end, releases; the status. */
static inline int rig_exec(struct rig *rig, const struct sk_process *process)
{
    assert_int_equal(rig_start(rig, process), SK_OK);
    int status = rig_wait_exit(rig, process->key);
    rig->agent->ops->release(rig->guest, process->key);
    return status;
}

/* Reads until end of file while the loop runs; takes the descriptor. */
static inline void rig_read_all(struct rig *rig, int fd_take, char *text, size_t size)
{
    size_t len = 0;
    for (int waited = 0; waited < RIG_LIMIT_MS;) {
        struct pollfd p = {.fd = fd_take, .events = POLLIN};
        if (poll(&p, 1, 0) == 0) {
            rig_idle(rig, 5);
            waited += 5;
            continue;
        }
        ssize_t got = read(fd_take, text + len, size - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    text[len] = 0;
    (void)close(fd_take);
}

/* Runs with a pipe as stdout; output in `text`. */
static inline int rig_output(struct rig *rig, struct sk_process *process, char *text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    process->stdout_take = ends[1];
    assert_int_equal(rig_start(rig, process), SK_OK);
    rig_read_all(rig, ends[0], text, size);
    int status = rig_wait_exit(rig, process->key);
    rig->agent->ops->release(rig->guest, process->key);
    return status;
}

#endif
