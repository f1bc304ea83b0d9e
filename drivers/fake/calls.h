/* calls.h: how the fake drivers answer, and how tests bend it.
 *
 * Every asynchronous driver call becomes one entry here: the hook is asked by
 * name ("runtime.create_task", "image.ensure", "agent.start"…), the effect is
 * applied in a later turn of the loop, then the call answers. Calls without
 * an answer (signal, release, close) ask the hook too; anything but OK makes
 * them do nothing, as if the daemon had died just before. */
#ifndef SK_FAKE_CALLS_H
#define SK_FAKE_CALLS_H

#include "base/list.h"
#include "loop/done.h"

enum sk_fake_verdict {
    SK_FAKE_OK = 0,
    SK_FAKE_FAIL = 1,       /* answers SK_UNAVAILABLE, nothing has happened */
    SK_FAKE_FAIL_AFTER = 2, /* it has happened, but answers SK_UNAVAILABLE */
    SK_FAKE_HANG = 3,       /* nothing happens until the call is cancelled or its time limit passes */
};

struct sk_fake_calls {
    struct sk_loop *loop;
    int (*hook)(void *arg, const char *call); /* an sk_fake_verdict; NULL = all is well */
    void *arg;
    struct sk_duration latency; /* of every call that works */
    struct sk_duration limit;   /* a hanging call answers SK_DEADLINE_EXCEEDED after this; 0 = never */
    struct sk_list pending;
    size_t made; /* calls so far */
};

/* One call. `effect` reads what it needs from these fields; strings stay the caller's until done fires. */
struct sk_fake_call {
    void *target;      /* the driver */
    const void *owner; /* for sk_fake_calls_forget */
    const void *args;
    const char *id;
    void *out;
    int number;
    bool asks; /* it changes nothing and has an output: failing after it is failing before */
    enum sk_code (*effect)(struct sk_fake_call *call, struct sk_err *err);
    void (*drop)(struct sk_fake_call *call); /* releases args when the call ends; may be NULL */

    struct sk_fake_calls *calls; /* the rest is calls.c's */
    struct sk_list link;
    struct sk_task task;
    struct sk_timer timer;
    struct sk_done *done;
    int verdict;
    bool cancelled;
};

void sk_fake_calls_init(struct sk_fake_calls *calls, struct sk_loop *loop);
/* No call may be under way (asserted). */
void sk_fake_calls_fini(struct sk_fake_calls *calls);
/* Starts a call; `call` is copied. */
void sk_fake_call(struct sk_fake_calls *calls, const char *name, const struct sk_fake_call *call,
                  struct sk_done *done);
/* Drops the calls of that owner; they never answer. */
void sk_fake_calls_forget(struct sk_fake_calls *calls, const void *owner);
/* Asks the hook for a call that has no answer; true = do it. */
bool sk_fake_allowed(struct sk_fake_calls *calls, const char *name);
bool sk_fake_calls_idle(const struct sk_fake_calls *calls);

#endif
