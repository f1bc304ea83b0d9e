/* What the driver makes of a containerd, a shim or a daemon that goes away. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "component/boxes.h"

/* The last events, by kind. It outlives every test: an event may come late. */
struct heard {
    struct sk_loop *loop;
    bool exit, resync;
    char exit_id[64];
    int exit_status;
};

struct context {
    struct private_containerd p;
    struct heard heard;
};

static void hear(void *arg, const struct sk_runtime_event *event)
{
    struct heard *h = arg;
    if (event->kind == SK_RUNTIME_EXIT) {
        h->exit = true;
        h->exit_status = event->exit_status;
        snprintf(h->exit_id, sizeof(h->exit_id), "%s", event->id);
    }
    h->resync |= event->kind == SK_RUNTIME_RESYNC;
    sk_loop_stop(h->loop);
}

static struct heard *listen_anew(struct context *c)
{
    struct sk_runtime *rt = sk_containerd_runtime(c->p.driver);
    c->heard = (struct heard){.loop = c->p.loop};
    rt->ops->listen(rt, hear, &c->heard);
    return &c->heard;
}

static struct sk_runtime_holding look_up(struct private_containerd *p, const char *id)
{
    struct sk_runtime *rt = sk_containerd_runtime(p->driver);
    struct sk_runtime_holding found = {0};
    struct sk_runtime_list list = {0};
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    rt->ops->list(rt, &list, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    for (size_t i = 0; i < list.len; i++)
        if (strcmp(list.items[i].id, id) == 0)
            found = list.items[i];
    free(list.items);
    return found;
}

/* Its shim takes notice of it by itself. */
static void await_end(int pid)
{
    for (int waited = 0; waited < 60000 && kill(pid, 0) == 0; waited += 10)
        usleep(10000);
    assert_int_equal(kill(pid, 0), -1);
}

static void test_an_end_while_containerd_is_away_is_found(void **state)
{
    struct context *c = *state;
    struct private_containerd *p = &c->p;
    struct made stays, ends;
    make(p, "test-stays", (struct sk_box){0}, &stays);
    make(p, "test-ends", (struct sk_box){0}, &ends);
    struct heard *h = listen_anew(c);
    assert_int_equal(sk_test_containerd(p, "stop"), 0);
    kill(ends.pid, SIGUSR1);
    await_end(ends.pid);
    assert_int_equal(sk_test_containerd(p, "start"), 0);
    assert_true(sk_wait_until(p->loop, &h->resync, SK_SEC(60)));
    struct sk_runtime_holding held = look_up(p, ends.id);
    assert_true(held.rootfs && held.container);
    assert_false(held.task_running);
    held = look_up(p, stays.id);
    assert_true(held.task_running);
    assert_int_equal(held.pid, stays.pid);
    unmake(p, &ends);
    unmake(p, &stays);
}

static void test_another_driver_sees_what_the_first_made(void **state)
{
    struct context *c = *state;
    struct private_containerd *p = &c->p;
    struct made first, second;
    struct sk_err err;
    make(p, "test-first", (struct sk_box){0}, &first);
    sk_test_close_driver(p);
    assert_int_equal(sk_test_open_driver(p, 4, &err), SK_OK);
    struct heard *h = listen_anew(c);
    assert_true(sk_wait_until(p->loop, &h->resync, SK_SEC(60)));
    struct sk_runtime_holding held = look_up(p, first.id);
    assert_true(held.rootfs && held.container && held.task_running);
    assert_int_equal(held.pid, first.pid);
    make(p, "test-second", (struct sk_box){0}, &second); /* joins the shim that list() told of */
    kill(first.pid, SIGUSR1);
    assert_true(sk_wait_until(p->loop, &h->exit, SK_SEC(60)));
    assert_string_equal(h->exit_id, first.id);
    assert_int_equal(h->exit_status, 7);
    unmake(p, &first);
    unmake(p, &second);
}

/* The shim's pid is the parent of the sandbox's init. */
static int parent_of(int pid)
{
    SK_AUTO_FREE char *path = sk_printf("/proc/%d/status", pid);
    SK_AUTO_FREE char *text = read_text(path);
    const char *line = strstr(text, "PPid:");
    return line ? atoi(line + 5) : 0;
}

static void test_a_shim_that_dies_takes_its_sandbox_along(void **state)
{
    struct context *c = *state;
    struct private_containerd *p = &c->p;
    struct made m;
    make(p, "test-shimless", (struct sk_box){0}, &m);
    struct heard *h = listen_anew(c);
    int shim = parent_of(m.pid);
    assert_true(shim > 1);
    assert_int_equal(kill(shim, SIGKILL), 0);
    assert_true(sk_wait_until(p->loop, &h->exit, SK_SEC(60)));
    assert_string_equal(h->exit_id, m.id);
    unmake(p, &m);
    struct sk_runtime_holding held = look_up(p, m.id);
    assert_false(held.rootfs || held.container || held.task);
}

static void test_a_task_that_cannot_be_made_leaves_nothing(void **state)
{
    struct private_containerd *p = &((struct context *)*state)->p;
    struct sk_runtime *rt = sk_containerd_runtime(p->driver);
    struct sk_image *image = sk_test_image(p, SK_TEST_IMAGE);
    struct sk_wait w;
    int pid = 0;
    struct sk_box box = {
        .id = "test-impossible",
        .hostname = "test-impossible",
        .image_name = image->name,
        .snapshot_parent = image->snapshot_parent,
        .agent_dir = "/nowhere/to/be/found",
    };
    call_on_box(p, &box, rt->ops->prepare_rootfs);
    call_on_box(p, &box, rt->ops->create_container);
    sk_wait_init(&w, p->loop);
    rt->ops->create_task(rt, &box, &pid, &w.done);
    assert_int_not_equal(sk_wait(&w), SK_OK);
    assert_non_null(strstr(w.err.text, "Tasks/Create"));
    assert_int_equal(pid, 0);
    call_on_id(p, box.id, rt->ops->delete_task);
    call_on_id(p, box.id, rt->ops->delete_container);
    call_on_id(p, box.id, rt->ops->remove_rootfs);
    sk_image_free(image);
}

/* containerd takes no call while it is stopped like this; the driver must still answer. */
static void test_a_containerd_that_hangs_is_given_up(void **state)
{
    struct private_containerd *p = &((struct context *)*state)->p;
    struct sk_runtime *rt = sk_containerd_runtime(p->driver);
    SK_AUTO_FREE char *path = sk_printf("%s/containerd.pid", p->dir);
    SK_AUTO_FREE char *text = read_text(path);
    int pid = atoi(text);
    struct sk_wait w;
    assert_true(pid > 1);
    kill(pid, SIGSTOP);
    sk_wait_init(&w, p->loop);
    rt->ops->delete_task(rt, "test-nobody", &w.done);
    enum sk_code code = sk_wait(&w);
    kill(pid, SIGCONT);
    assert_int_equal(code, SK_DEADLINE_EXCEEDED);
}

int main(void)
{
    struct context c = {0};
    int result = sk_test_up(&c.p, 4);
    if (result)
        return result;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_an_end_while_containerd_is_away_is_found, &c),
        cmocka_unit_test_prestate(test_another_driver_sees_what_the_first_made, &c),
        cmocka_unit_test_prestate(test_a_shim_that_dies_takes_its_sandbox_along, &c),
        cmocka_unit_test_prestate(test_a_task_that_cannot_be_made_leaves_nothing, &c),
        cmocka_unit_test_prestate(test_a_containerd_that_hangs_is_given_up, &c),
    };
    return sk_test_down(&c.p, cmocka_run_group_tests(tests, NULL, NULL));
}
