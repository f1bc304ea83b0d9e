#include "drivers/fake/calls.h"

#include <assert.h>

void sk_fake_calls_init(struct sk_fake_calls *calls, struct sk_loop *loop)
{
    *calls = (struct sk_fake_calls){.loop = loop};
    sk_list_init(&calls->pending);
}

void sk_fake_calls_fini(struct sk_fake_calls *calls)
{
    assert(sk_fake_calls_idle(calls));
}

bool sk_fake_calls_idle(const struct sk_fake_calls *calls)
{
    return sk_list_is_empty(&calls->pending);
}

static int ask(struct sk_fake_calls *calls, const char *name)
{
    calls->made++;
    return calls->hook ? calls->hook(calls->arg, name) : SK_FAKE_OK;
}

bool sk_fake_allowed(struct sk_fake_calls *calls, const char *name)
{
    return ask(calls, name) == SK_FAKE_OK;
}

static enum sk_code outcome(struct sk_fake_call *call, struct sk_err *err)
{
    if (call->cancelled)
        return sk_fail(err, SK_CANCELLED, "the call was cancelled");
    if (call->verdict == SK_FAKE_HANG)
        return sk_fail(err, SK_DEADLINE_EXCEEDED, "the driver did not answer in time");
    if (call->verdict == SK_FAKE_FAIL || (call->asks && call->verdict == SK_FAKE_FAIL_AFTER))
        return sk_fail(err, SK_UNAVAILABLE, "the driver is not available");
    enum sk_code code = call->effect(call, err);
    if (code == SK_OK && call->verdict == SK_FAKE_FAIL_AFTER)
        return sk_fail(err, SK_UNAVAILABLE, "the driver's answer was lost");
    return code;
}

static void drop(struct sk_fake_call *call)
{
    sk_loop_undefer(&call->task);
    sk_timer_stop(call->calls->loop, &call->timer);
    sk_list_remove(&call->link);
    if (call->drop)
        call->drop(call);
    free(call);
}

void sk_fake_calls_forget(struct sk_fake_calls *calls, const void *owner)
{
    sk_list_each(&calls->pending, link)
    {
        struct sk_fake_call *call = sk_list_entry(link, struct sk_fake_call, link);
        if (call->owner == owner)
            drop(call);
    }
}

static void finish(struct sk_fake_call *call)
{
    struct sk_err err = {0};
    enum sk_code code = outcome(call, &err);
    struct sk_done *done = call->done;

    drop(call);
    sk_done_fire(done, code == SK_OK ? NULL : &err);
}

static void on_task(struct sk_task *task)
{
    finish(sk_container_of(task, struct sk_fake_call, task));
}

static void on_timer(struct sk_timer *timer)
{
    finish(sk_container_of(timer, struct sk_fake_call, timer));
}

static void on_cancel(struct sk_done *done)
{
    struct sk_fake_call *call = done->callee;

    done->cancel = NULL;
    call->cancelled = true;
    sk_loop_defer(call->calls->loop, &call->task, on_task);
}

static void schedule(struct sk_fake_call *call)
{
    struct sk_fake_calls *calls = call->calls;
    struct sk_duration wait = call->verdict == SK_FAKE_HANG ? calls->limit : calls->latency;

    if (wait.ns > 0)
        sk_timer_start(calls->loop, &call->timer, sk_instant_add(sk_loop_now(calls->loop), wait), on_timer);
    else if (call->verdict != SK_FAKE_HANG)
        sk_loop_defer(calls->loop, &call->task, on_task);
}

void sk_fake_call(struct sk_fake_calls *calls, const char *name, const struct sk_fake_call *call,
                  struct sk_done *done)
{
    struct sk_fake_call *made = sk_memdup(call, sizeof(*call));

    made->calls = calls;
    made->done = done;
    made->verdict = ask(calls, name);
    done->callee = made;
    done->cancel = on_cancel;
    sk_list_append(&calls->pending, &made->link);
    schedule(made);
}
