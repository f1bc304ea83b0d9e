/* drain_rig.h: a node that is about to serve no more, and calls that are under way on it. */
#ifndef SK_TESTS_DRAIN_RIG_H
#define SK_TESTS_DRAIN_RIG_H

#include "core/drain.h"
#include "core/sandbox_impl.h"
#include "core/stay.h"
#include "support/world.h"

/* A call under way. */
struct call {
    struct sk_stay stay;
    int cuts;
    bool lingers; /* it ends later than it is cut */
};

static inline void on_cut(struct sk_stay *stay)
{
    struct call *call = sk_container_of(stay, struct call, stay);

    call->cuts++;
    if (!call->lingers)
        sk_stay_end(stay);
}

static inline void call_begin(struct world *w, struct call *call, enum sk_stay_kind kind)
{
    *call = (struct call){.cuts = 0};
    assert_int_equal(sk_stay_begin(w->node, &call->stay, kind, on_cut, NULL), SK_OK);
}

/* One of each kind. */
static inline void calls_begin(struct world *w, struct call *brief, struct call *work, struct call *endless)
{
    call_begin(w, brief, SK_STAY_BRIEF);
    call_begin(w, work, SK_STAY_WORK);
    call_begin(w, endless, SK_STAY_ENDLESS);
}

static inline void drain_for(struct world *w, int seconds, bool stops)
{
    struct sk_drain_ask ask = {
        .has_timeout = true, .timeout = SK_SEC(seconds), .sandboxes = stops ? SK_DRAIN_STOP : SK_DRAIN_LEAVE};
    struct answer stored;

    answer_init(&stored);
    sk_drain_begin(w->node, &ask, &stored.done);
    world_settle(w);
    assert_int_equal(stored.count, 1);
    assert_int_equal(stored.err.code, SK_OK);
}

static inline enum sk_drain_state phase_of(struct world *w)
{
    return sk_drain_status(w->node).state;
}

static inline void assert_refused(const struct answer *answer)
{
    assert_int_equal(answer->count, 1);
    assert_int_equal(answer->err.code, SK_UNAVAILABLE);
    assert_string_equal(answer->err.reason, "RUNNER_UNAVAILABLE");
}

static inline void assert_creates_are_refused(struct world *w)
{
    struct answer created;

    world_create(w, world_record(w, ""), &created);
    world_settle(w);
    assert_refused(&created);
}

static inline enum sk_state shown(const struct sk_sandbox *s)
{
    return sk_sandbox_record(s)->state;
}

#endif
