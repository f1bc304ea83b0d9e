/* sweep.h: the failure sweep. A flow is run once to count the driver calls it
 * makes, then again and again: failing, hanging and being cancelled at each of
 * these calls in turn. Whatever happened, the flow must clean up after itself.
 *
 * A scenario is a function that builds its whole world (virtual loop, fake
 * drivers), runs the flow to its end, asserts that nothing is held and takes
 * the world down:
 *
 *     static void birth(struct sk_sweep *sweep, void *arg)
 *     {
 *         struct world w;
 *         world_init(&w);                            // makes w.loop with sk_vloop_new()
 *         w.fake.calls.hook = sk_sweep_hook;         // or call sk_sweep_point() at each call
 *         w.fake.calls.arg = sweep;
 *         sk_sweep_on_cancel(sweep, w.loop, cancel_birth, &w);
 *         start_birth(&w);
 *         sk_vloop_advance(w.loop, SK_SEC(60));      // beyond the deadline: hung calls get cancelled
 *         assert_int_equal(w.answers, 1);
 *         if (sk_sweep_is_clean(sweep))
 *             assert_int_equal(w.err.code, SK_OK);
 *         else if (sk_sweep_flavour(sweep) != SK_SWEEP_CANCEL) // a cancel may come too late
 *             assert_int_not_equal(w.err.code, SK_OK);
 *         assert_nothing_held(&w);
 *         world_fini(&w);
 *     }
 *     static void test_birth(void **state) { sk_sweep_run(birth, NULL); }
 *
 * Calls are counted from sk_sweep_run on; sk_sweep_pause keeps those of the
 * set-up and the take-down out of it. Each rerun is announced on standard
 * output, so that the last line before a failed assertion names the culprit. */
#ifndef SK_TESTS_SWEEP_H
#define SK_TESTS_SWEEP_H

#include "loop/loop.h"

/* What the fake driver is to do with a call. The numbers are those of
 * enum sk_fake_verdict (drivers/fake/calls.h). */
enum sk_sweep_verdict {
    SK_SWEEP_OK = 0,
    SK_SWEEP_FAIL_BEFORE = 1, /* answer an error; nothing has happened */
    SK_SWEEP_FAIL_AFTER = 2,  /* answer an error, although it has happened */
    SK_SWEEP_HANG = 3,        /* answer only when cancelled */
    SK_SWEEP_CANCEL = 4,      /* never a verdict: do as asked, while the flow is cancelled from outside */
};

struct sk_sweep {
    enum sk_sweep_verdict flavour; /* SK_SWEEP_OK: the counting run */
    size_t calls, target;          /* calls seen; which of them gets the flavour */
    const char *target_name;       /* what that call was named in the counting run */
    bool paused, hit;
    struct sk_loop *loop; /* for the cancel, from here on */
    void (*cancel)(void *arg);
    void *cancel_arg;
    struct sk_task task;
    char **names; /* of the counting run's calls */
    size_t names_len;
};

/* A fake driver calls this at the start of each call. */
enum sk_sweep_verdict sk_sweep_point(struct sk_sweep *sweep, const char *call);
/* The same, shaped like the fakes' hook; arg is the sweep. */
int sk_sweep_hook(void *arg, const char *call);
/* How to cancel the flow from outside; without it no run cancels. `fn` runs
 * on the loop, after the call has begun and before it has answered. */
void sk_sweep_on_cancel(struct sk_sweep *sweep, struct sk_loop *loop, void (*fn)(void *arg), void *arg);
/* While paused every call is well and none is counted. */
void sk_sweep_pause(struct sk_sweep *sweep, bool paused);
/* Nothing goes wrong in this run. */
bool sk_sweep_is_clean(const struct sk_sweep *sweep);
enum sk_sweep_verdict sk_sweep_flavour(const struct sk_sweep *sweep);

/* Runs the scenario 1 + (3 or 4) * calls times. Fails the cmocka test when
 * there is no call at all, or a rerun does not get to its call. */
void sk_sweep_run(void (*scenario)(struct sk_sweep *sweep, void *arg), void *arg);

#endif
