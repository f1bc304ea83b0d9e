#include "api/gate.h"

#include <assert.h>

void sk_gate_init(struct sk_gate *gate, struct sk_loop *loop, size_t room)
{
    *gate = (struct sk_gate){.loop = loop, .room = room};
    sk_list_init(&gate->waiting);
}

void sk_gate_fini(struct sk_gate *gate)
{
    assert(sk_list_is_empty(&gate->waiting));
    gate->room = 0;
}

static void on_timer(struct sk_timer *timer);

static void watch(struct sk_pass *pass)
{
    struct sk_loop *loop = pass->gate->loop;
    struct sk_instant at = sk_instant_add(sk_loop_now(loop), SK_GATE_PATIENCE);

    sk_timer_start(loop, &pass->timer, sk_instant_min(at, sk_instant_add(pass->since, pass->limit)),
                   on_timer);
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_pass *pass = sk_container_of(timer, struct sk_pass, timer);
    struct sk_duration stay = sk_instant_diff(sk_loop_now(pass->gate->loop), pass->since);

    if (stay.ns >= pass->limit.ns || !sk_list_is_empty(&pass->gate->waiting))
        pass->on_limit(pass);
    else
        watch(pass);
}

static void on_inside(struct sk_task *task)
{
    struct sk_pass *pass = sk_container_of(task, struct sk_pass, task);
    pass->fn(pass);
}

static void let_in(struct sk_gate *gate)
{
    while (!sk_list_is_empty(&gate->waiting)) {
        struct sk_pass *pass = sk_list_entry(gate->waiting.next, struct sk_pass, link);
        if (pass->weight > gate->room)
            return;
        sk_list_remove(&pass->link);
        gate->room -= pass->weight;
        pass->inside = true;
        pass->since = sk_loop_now(gate->loop);
        watch(pass);
        sk_loop_defer(gate->loop, &pass->task, on_inside);
    }
}

void sk_gate_enter(struct sk_gate *gate, struct sk_pass *pass, size_t weight, struct sk_duration limit,
                   void (*fn)(struct sk_pass *pass), void (*on_limit)(struct sk_pass *pass))
{
    assert(!pass->gate);
    *pass = (struct sk_pass){.gate = gate, .weight = weight, .limit = limit, .fn = fn, .on_limit = on_limit};
    sk_list_append(&gate->waiting, &pass->link);
    let_in(gate);
}

void sk_gate_shrink(struct sk_pass *pass, size_t weight)
{
    if (!pass->inside || weight >= pass->weight)
        return;
    pass->gate->room += pass->weight - weight;
    pass->weight = weight;
    let_in(pass->gate);
}

void sk_gate_leave(struct sk_pass *pass)
{
    struct sk_gate *gate = sk_take(pass->gate);

    if (!gate)
        return;
    sk_list_remove(&pass->link);
    sk_loop_undefer(&pass->task);
    sk_timer_stop(gate->loop, &pass->timer);
    if (pass->inside)
        gate->room += pass->weight;
    pass->inside = false;
    let_in(gate);
}
