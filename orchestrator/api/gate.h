/* gate.h: lets in only so much at a time; the others wait outside, in order.
 * Nobody stays for longer than allowed, nor for longer than SK_GATE_PATIENCE
 * while somebody waits, so that a few cannot shut the rest out.
 *
 * Threads: loop only. Callbacks never run inside a call. */
#ifndef SK_API_GATE_H
#define SK_API_GATE_H

#include "loop/loop.h"

#define SK_GATE_PATIENCE SK_SEC(30)

struct sk_gate {
    struct sk_loop *loop;
    size_t room; /* what more may come in */
    struct sk_list waiting;
};

/* One who wants in; zeroed before. */
struct sk_pass {
    struct sk_gate *gate; /* NULL = never entered, or has left */
    bool inside;
    size_t weight;           /* of the room */
    struct sk_instant since; /* inside */
    struct sk_list link;     /* gate->waiting */
    struct sk_task task;
    struct sk_timer timer;
    struct sk_duration limit;
    void (*fn)(struct sk_pass *pass);
    void (*on_limit)(struct sk_pass *pass);
};

void sk_gate_init(struct sk_gate *gate, struct sk_loop *loop, size_t room);
/* Nobody may be inside or waiting (asserted for the latter). */
void sk_gate_fini(struct sk_gate *gate);

/* weight: at most the whole room. fn runs when it is inside. on_limit: it has been inside for too long and
 * must see to it that it leaves. */
void sk_gate_enter(struct sk_gate *gate, struct sk_pass *pass, size_t weight, struct sk_duration limit,
                   void (*fn)(struct sk_pass *pass), void (*on_limit)(struct sk_pass *pass));
/* It takes less room than was thought; nothing when it is not inside. */
void sk_gate_shrink(struct sk_pass *pass, size_t weight);
/* From inside or outside; no callback afterwards. Harmless when it never entered. */
void sk_gate_leave(struct sk_pass *pass);

#endif
