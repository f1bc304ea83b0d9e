/* sandbox.h: one sandbox: its record, its state, who watches it.
 *
 * States move only forward, by the transition table in sandbox.c; a final
 * record never changes. Every change is stored; what must be durable before
 * an answer is awaited by the flow that answers. Threads: loop only. */
#ifndef SK_CORE_SANDBOX_H
#define SK_CORE_SANDBOX_H

#include "core/node.h"

/* "running"; for logs, metrics and people. */
const char *sk_state_word(enum sk_state state);

/* The record; borrowed, read-only for everyone outside core/. */
const struct sk_record *sk_sandbox_record(const struct sk_sandbox *sandbox);
/* When its lifetime ends, as the wall has it now: whoever sets that clock moves no deadline. 0 = there is
 * none yet. */
struct sk_wall sk_sandbox_deadline(const struct sk_sandbox *sandbox);

/* What its making waits for: "pulling docker.io/library/python:3.11 41 %", or "". */
void sk_sandbox_describe_progress(const struct sk_sandbox *sandbox, char out[SK_IMAGE_WAIT_TEXT]);

/* Keeps the struct (not the container) alive across turns of the loop. */
struct sk_sandbox *sk_sandbox_ref(struct sk_sandbox *sandbox);
void sk_sandbox_unref(struct sk_sandbox *sandbox); /* NULL is fine */

/* Called once when the state has come as far as `from` (it may be further by
 * then: RUNNING stands for everything but PENDING and CREATING, COMPLETED for
 * every end), or, if it has already, in the next turn. */
struct sk_watcher {
    void (*fn)(struct sk_watcher *watcher);
    enum sk_state from;
    struct sk_list link;
    struct sk_task task;
};
void sk_sandbox_watch(struct sk_sandbox *sandbox, struct sk_watcher *watcher, enum sk_state from,
                      void (*fn)(struct sk_watcher *watcher));
/* Harmless if it has fired or was never set. */
void sk_watcher_stop(struct sk_watcher *watcher);

#endif
