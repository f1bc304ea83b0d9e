/* errand.h: a few calls to containerd, one after the other, that answer one
 * call of the image store. */
#ifndef SK_CONTAINERD_ERRAND_H
#define SK_CONTAINERD_ERRAND_H

#include "drivers/containerd/content.h"
#include "loop/op.h"

/* Heap; frees itself when it has answered. Texts lie in the arena. */
struct sk_errand {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_ctd_content *content;
    struct sk_arena arena;
    const char *lease; /* NULL = none */
    const char *key;   /* what it is about: a digest, a name, a chain id */
    void *out;         /* the caller's */
    void *user;
    ProtobufCMessage *answer; /* of the last call that was forgiven nothing, in the arena */
    struct sk_err said;       /* how the last call ended, what was forgiven included */
};

/* lease and key may be NULL; both are copied. */
struct sk_errand *sk_errand_new(struct sk_content *content, const char *lease, const char *key, void *out);
/* Runs the steps; `done` can be cancelled. */
void sk_errand_start(struct sk_errand *errand_take, const char *flow, const struct sk_step *steps,
                     struct sk_done *done);
struct sk_errand *sk_errand_of(struct sk_op *op);

/* One call as a step of it, which can be given up; its lease, if it has one, goes along. limit 0 =
 * SK_CTD_LIMIT. */
void sk_errand_call(struct sk_errand *errand, enum sk_ctd_method method, unsigned forgive,
                    struct sk_duration limit, const ProtobufCMessage *request, struct sk_done *done);
/* Ends a step that need not wait. */
void sk_errand_step_ends(struct sk_errand *errand, const struct sk_err *err, struct sk_done *done);

#endif
