/* runtime.h: the suite of the runtime contract (drivers/runtime.h), run on
 * every driver. A program that includes it opens a driver, fills in a
 * struct runtime_suite, and calls run_runtime_suite(). */
#ifndef SK_CONTRACT_RUNTIME_H
#define SK_CONTRACT_RUNTIME_H

#include "drivers/runtime.h"
#include "support/wait.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EVENTS_MAX 256

struct runtime_suite {
    struct sk_loop *loop;
    struct sk_runtime *rt;
    const char *parent;         /* of every root file system */
    const char *missing_parent; /* one that is not there */
    const char *agent_dir;
    void *arg;
    /* The init of a started task ends with this status, by itself. */
    void (*end_init)(void *arg, const char *id, int pid, int status);
    /* Something in it is killed for memory. */
    void (*run_out_of_memory)(void *arg, const char *id, int pid);
    /* Leaves a cgroup of that name behind. */
    void (*litter)(void *arg, const char *name);
    /* What lies behind the driver goes away and comes back. */
    void (*restart)(void *arg);

    struct {
        enum sk_runtime_event_kind kind;
        char id[64];
        int status;
    } events[EVENTS_MAX];
    size_t event_count;
    /* What await_event waits for. */
    enum sk_runtime_event_kind awaited_kind;
    const char *awaited_id;
    bool came;
    unsigned box_count;
};

static struct runtime_suite *suite_of(void **state)
{
    return *state;
}

/* --- events ------------------------------------------------------------------ */

static void record_event(void *arg, const struct sk_runtime_event *event)
{
    struct runtime_suite *s = arg;
    const char *id = event->id ? event->id : "";
    if (s->event_count < EVENTS_MAX) {
        s->events[s->event_count].kind = event->kind;
        s->events[s->event_count].status = event->exit_status;
        snprintf(s->events[s->event_count].id, sizeof(s->events[0].id), "%s", id);
        s->event_count++;
    }
    if (event->kind == s->awaited_kind && s->awaited_id && strcmp(id, s->awaited_id) == 0) {
        s->came = true;
        sk_loop_stop(s->loop);
    }
}

/* Index of the event, or -1. */
static int find_event(const struct runtime_suite *s, enum sk_runtime_event_kind kind, const char *id)
{
    for (size_t i = 0; i < s->event_count; i++)
        if (s->events[i].kind == kind && strcmp(s->events[i].id, id) == 0)
            return (int)i;
    return -1;
}

static int await_event(struct runtime_suite *s, enum sk_runtime_event_kind kind, const char *id)
{
    s->awaited_kind = kind;
    s->awaited_id = id;
    s->came = find_event(s, kind, id) >= 0;
    (void)sk_wait_until(s->loop, &s->came, SK_SEC(60));
    s->awaited_id = NULL;
    return find_event(s, kind, id);
}

/* --- calls, each waited for ------------------------------------------------------ */

static enum sk_code on_box(struct runtime_suite *s, const struct sk_box *box,
                           void (*call)(struct sk_runtime *, const struct sk_box *, struct sk_done *))
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    call(s->rt, box, &w.done);
    return sk_wait(&w);
}

static enum sk_code on_id(struct runtime_suite *s, const char *id,
                          void (*call)(struct sk_runtime *, const char *, struct sk_done *))
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    call(s->rt, id, &w.done);
    return sk_wait(&w);
}

static enum sk_code make_task(struct runtime_suite *s, const struct sk_box *box, int *out_pid)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->rt->ops->create_task(s->rt, box, out_pid, &w.done);
    return sk_wait(&w);
}

static enum sk_code send_signal(struct runtime_suite *s, const char *id, int signo)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->rt->ops->kill_task(s->rt, id, signo, &w.done);
    return sk_wait(&w);
}

/* What list() says of an id; nothing held if it says nothing. */
static struct sk_runtime_holding look_up(struct runtime_suite *s, const char *id)
{
    struct sk_runtime_list list = {0};
    struct sk_runtime_holding found = {0};
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->rt->ops->list(s->rt, &list, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    for (size_t i = 0; i < list.len; i++)
        if (strcmp(list.items[i].id, id) == 0)
            found = list.items[i];
    free(list.items);
    return found;
}

static void assert_held(struct runtime_suite *s, const char *id, bool rootfs, bool container, bool task,
                        bool running)
{
    struct sk_runtime_holding held = look_up(s, id);
    assert_int_equal(held.rootfs, rootfs);
    assert_int_equal(held.container, container);
    assert_int_equal(held.task, task);
    assert_int_equal(held.task_running, running);
    assert_int_equal(held.pid > 0, running);
}

/* --- boxes ------------------------------------------------------------------------ */

struct named_box {
    char id[64];
    struct sk_box box;
};

static void name_box(struct runtime_suite *s, struct named_box *b)
{
    snprintf(b->id, sizeof(b->id), "test-box%u", ++s->box_count);
    b->box = (struct sk_box){
        .id = b->id,
        .snapshot_parent = s->parent,
        .image_name = "test",
        .hostname = b->id,
        .agent_dir = s->agent_dir,
        .cpu_limit_millis = 1000,
        .cpu_request_millis = 500,
        .memory_limit_bytes = 64 << 20,
        .pids_limit = 64,
    };
}

static void make_container(struct runtime_suite *s, struct named_box *b)
{
    name_box(s, b);
    assert_int_equal(on_box(s, &b->box, s->rt->ops->prepare_rootfs), SK_OK);
    assert_int_equal(on_box(s, &b->box, s->rt->ops->create_container), SK_OK);
}

/* Its init's pid. */
static int start_box(struct runtime_suite *s, struct named_box *b)
{
    int pid = 0;
    make_container(s, b);
    assert_int_equal(make_task(s, &b->box, &pid), SK_OK);
    assert_int_equal(on_id(s, b->id, s->rt->ops->start_task), SK_OK);
    assert_true(pid > 0);
    return pid;
}

static void remove_box(struct runtime_suite *s, const char *id)
{
    assert_int_equal(on_id(s, id, s->rt->ops->delete_task), SK_OK);
    assert_int_equal(on_id(s, id, s->rt->ops->delete_container), SK_OK);
    assert_int_equal(on_id(s, id, s->rt->ops->remove_rootfs), SK_OK);
    assert_held(s, id, false, false, false, false);
}

/* --- the promises --------------------------------------------------------------------- */

static void test_list_follows_a_whole_life(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = 0;
    name_box(s, &b);
    assert_held(s, b.id, false, false, false, false);
    assert_int_equal(on_box(s, &b.box, s->rt->ops->prepare_rootfs), SK_OK);
    assert_held(s, b.id, true, false, false, false);
    assert_int_equal(on_box(s, &b.box, s->rt->ops->create_container), SK_OK);
    assert_held(s, b.id, true, true, false, false);
    assert_int_equal(make_task(s, &b.box, &pid), SK_OK);
    assert_held(s, b.id, true, true, true, false);
    assert_int_equal(on_id(s, b.id, s->rt->ops->start_task), SK_OK);
    assert_held(s, b.id, true, true, true, true);
    assert_int_equal(look_up(s, b.id).pid, pid);
    assert_int_equal(send_signal(s, b.id, SIGKILL), SK_OK);
    int exit = await_event(s, SK_RUNTIME_EXIT, b.id);
    assert_true(exit >= 0);
    assert_int_equal(s->events[exit].status, 128 + SIGKILL);
    assert_held(s, b.id, true, true, true, false);
    remove_box(s, b.id);
}

static void test_creating_twice_is_creating_once(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = start_box(s, &b), again = 0;
    assert_int_equal(on_box(s, &b.box, s->rt->ops->prepare_rootfs), SK_OK);
    assert_int_equal(on_box(s, &b.box, s->rt->ops->create_container), SK_OK);
    assert_int_equal(make_task(s, &b.box, &again), SK_OK);
    assert_int_equal(again, pid);
    assert_int_equal(on_id(s, b.id, s->rt->ops->start_task), SK_OK);
    assert_int_equal(look_up(s, b.id).pid, pid);
    remove_box(s, b.id);
    remove_box(s, b.id);
}

static void test_removing_what_never_was_succeeds(void **state)
{
    struct runtime_suite *s = suite_of(state);
    assert_int_equal(send_signal(s, "test-nobody", SIGTERM), SK_OK);
    assert_int_equal(send_signal(s, "test-nobody", SIGKILL), SK_OK);
    remove_box(s, "test-nobody");
}

static void test_unknown_parent_is_not_found(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    name_box(s, &b);
    b.box.snapshot_parent = s->missing_parent;
    assert_int_equal(on_box(s, &b.box, s->rt->ops->prepare_rootfs), SK_NOT_FOUND);
    assert_held(s, b.id, false, false, false, false);
}

static void test_steps_need_the_ones_before(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = -1;
    name_box(s, &b);
    assert_int_not_equal(make_task(s, &b.box, &pid), SK_OK);
    assert_int_equal(pid, -1);
    assert_int_equal(on_id(s, b.id, s->rt->ops->start_task), SK_NOT_FOUND);
    remove_box(s, b.id);
}

static void test_init_that_ends_by_itself_is_told(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = start_box(s, &b);
    s->end_init(s->arg, b.id, pid, 7);
    int exit = await_event(s, SK_RUNTIME_EXIT, b.id);
    assert_true(exit >= 0);
    assert_int_equal(s->events[exit].status, 7);
    assert_held(s, b.id, true, true, true, false);
    assert_int_equal(send_signal(s, b.id, SIGTERM), SK_OK); /* gone = success */
    assert_int_equal(send_signal(s, b.id, SIGKILL), SK_OK);
    remove_box(s, b.id);
}

static void test_delete_ends_what_runs(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    start_box(s, &b);
    assert_int_equal(on_id(s, b.id, s->rt->ops->delete_task), SK_OK);
    assert_held(s, b.id, true, true, false, false);
    int exit = await_event(s, SK_RUNTIME_EXIT, b.id);
    assert_true(exit >= 0);
    assert_int_equal(s->events[exit].status, 128 + SIGKILL);
    remove_box(s, b.id);
}

static void test_delete_ends_what_was_never_started(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = 0;
    make_container(s, &b);
    assert_int_equal(make_task(s, &b.box, &pid), SK_OK);
    assert_int_equal(on_id(s, b.id, s->rt->ops->delete_task), SK_OK);
    assert_held(s, b.id, true, true, false, false);
    remove_box(s, b.id);
}

static void test_memory_shortage_is_told(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    uint64_t kills = 0;
    int pid = start_box(s, &b);
    if (s->rt->ops->oom_kills(s->rt, b.id, &kills, NULL) == SK_OK)
        assert_int_equal(kills, 0);
    s->run_out_of_memory(s->arg, b.id, pid);
    assert_true(await_event(s, SK_RUNTIME_OOM, b.id) >= 0);
    /* The report may be of the shortage, and the kill yet to come. */
    for (int waited = 0; waited < 60000 && !kills; waited += 10) {
        assert_int_equal(s->rt->ops->oom_kills(s->rt, b.id, &kills, NULL), SK_OK);
        (void)usleep(10000);
    }
    assert_true(kills > 0);
    remove_box(s, b.id);
    assert_int_equal(s->rt->ops->oom_kills(s->rt, b.id, &kills, NULL), SK_NOT_FOUND);
}

static void test_an_absence_is_told(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box b;
    int pid = start_box(s, &b);
    s->restart(s->arg);
    int away = await_event(s, SK_RUNTIME_AWAY, ""), back = await_event(s, SK_RUNTIME_BACK, "");
    assert_true(away >= 0 && back > away);
    assert_true(await_event(s, SK_RUNTIME_RESYNC, "") >= 0);
    assert_int_equal(look_up(s, b.id).pid, pid);
    remove_box(s, b.id);
}

static bool litters(struct runtime_suite *s, const char *kind, const char *name)
{
    struct sk_litter_list list = {0};
    struct sk_wait w;
    bool found = false;
    sk_wait_init(&w, s->loop);
    s->rt->ops->list_litter(s->rt, &list, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    for (size_t i = 0; i < list.len; i++)
        found |= strcmp(list.items[i].kind, kind) == 0 && strcmp(list.items[i].name, name) == 0;
    free(list.items);
    return found;
}

static void test_litter_is_found_and_taken_away(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct sk_litter litter = {.kind = "cgroup", .name = "test-litter"};
    s->litter(s->arg, litter.name);
    assert_true(litters(s, litter.kind, litter.name));
    for (int i = 0; i < 2; i++) { /* absent is success */
        struct sk_wait w;
        sk_wait_init(&w, s->loop);
        s->rt->ops->remove_litter(s->rt, &litter, &w.done);
        assert_int_equal(sk_wait(&w), SK_OK);
        assert_false(litters(s, litter.kind, litter.name));
    }
}

/* Several lives at once, each step of all in flight together. */
#define CROWD 5

static void all_on_box(struct runtime_suite *s, struct named_box *boxes,
                       void (*call)(struct sk_runtime *, const struct sk_box *, struct sk_done *))
{
    struct sk_wait w[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        sk_wait_init(&w[i], s->loop);
        call(s->rt, &boxes[i].box, &w[i].done);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(sk_wait_until(s->loop, &w[i].fired, SK_SEC(60)));
        assert_int_equal(w[i].err.code, SK_OK);
    }
}

static void all_on_id(struct runtime_suite *s, struct named_box *boxes,
                      void (*call)(struct sk_runtime *, const char *, struct sk_done *))
{
    struct sk_wait w[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        sk_wait_init(&w[i], s->loop);
        call(s->rt, boxes[i].id, &w[i].done);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(sk_wait_until(s->loop, &w[i].fired, SK_SEC(60)));
        assert_int_equal(w[i].err.code, SK_OK);
    }
}

static void create_task_of(struct sk_runtime *rt, const struct sk_box *box, struct sk_done *done)
{
    static int pid; /* nobody asks for it here */
    rt->ops->create_task(rt, box, &pid, done);
}

static void test_many_at_once(void **state)
{
    struct runtime_suite *s = suite_of(state);
    struct named_box boxes[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        name_box(s, &boxes[i]);
    all_on_box(s, boxes, s->rt->ops->prepare_rootfs);
    all_on_box(s, boxes, s->rt->ops->create_container);
    all_on_box(s, boxes, create_task_of);
    all_on_id(s, boxes, s->rt->ops->start_task);
    for (size_t i = 0; i < CROWD; i++)
        assert_held(s, boxes[i].id, true, true, true, true);
    all_on_id(s, boxes, s->rt->ops->delete_task);
    all_on_id(s, boxes, s->rt->ops->delete_container);
    all_on_id(s, boxes, s->rt->ops->remove_rootfs);
    for (size_t i = 0; i < CROWD; i++)
        assert_held(s, boxes[i].id, false, false, false, false);
}

static int reset_events(void **state)
{
    suite_of(state)->event_count = 0;
    return 0;
}

static int run_runtime_suite(struct runtime_suite *s)
{
#define CASE(f) cmocka_unit_test_prestate_setup_teardown(f, reset_events, NULL, s)
    const struct CMUnitTest tests[] = {
        CASE(test_list_follows_a_whole_life),
        CASE(test_creating_twice_is_creating_once),
        CASE(test_removing_what_never_was_succeeds),
        CASE(test_unknown_parent_is_not_found),
        CASE(test_steps_need_the_ones_before),
        CASE(test_init_that_ends_by_itself_is_told),
        CASE(test_delete_ends_what_runs),
        CASE(test_delete_ends_what_was_never_started),
        CASE(test_memory_shortage_is_told),
        CASE(test_an_absence_is_told),
        CASE(test_litter_is_found_and_taken_away),
        CASE(test_many_at_once),
    };
#undef CASE
    s->rt->ops->listen(s->rt, record_event, s);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
