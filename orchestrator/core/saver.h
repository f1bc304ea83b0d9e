/* saver.h: how a record comes to the store: one put at a time, the latest
 * state wins, and what changes in one turn goes together.
 *
 * A put that fails is tried again with the next change, and by the node's
 * sweep. Threads: loop only. */
#ifndef SK_CORE_SAVER_H
#define SK_CORE_SAVER_H

#include "base/buf.h"
#include "core/node.h"

struct sk_saver;

/* What is saved, and by whom. */
struct sk_saver_ops {
    const char *kind; /* of the store */
    const char *(*key)(const struct sk_saver *saver);
    /* The record as it is now. */
    enum sk_code (*pack)(struct sk_saver *saver, struct sk_buf *out, struct sk_err *err);
    /* The store's word on what was packed last. */
    void (*answered)(struct sk_saver *saver, const struct sk_err *err);
    /* Whether a put that failed is worth another try. */
    bool (*retries)(const struct sk_saver *saver);
    /* From the first wish for a put to its answer the owner stays; drop may free it. */
    void (*keep)(struct sk_saver *saver);
    void (*drop)(struct sk_saver *saver);
};

struct sk_saver {
    struct sk_node *node;
    const struct sk_saver_ops *ops;
    struct sk_task task; /* the next put */
    struct sk_done put;
    bool putting;           /* a put is under way */
    bool dirty;             /* something is newer than what was given to the store */
    struct sk_list failed;  /* node->unsaved */
    struct sk_list riding;  /* who waits for the put under way */
    struct sk_list waiting; /* who waits for the next one */
};

void sk_saver_init(struct sk_saver *saver, struct sk_node *node, const struct sk_saver_ops *ops);
/* Nothing may be under way. */
void sk_saver_fini(struct sk_saver *saver);

/* done (may be NULL) fires when the record as it is now, or something newer, is durable. */
void sk_saver_save(struct sk_saver *saver, struct sk_done *done);
/* Fires when everything that has changed so far is durable (or could not be stored). */
void sk_saver_await(struct sk_saver *saver, struct sk_done *done);
/* Nothing is under way and nothing is left to be stored. */
bool sk_saver_is_idle(const struct sk_saver *saver);
/* The sweep: everything whose last put failed. */
void sk_savers_retry(struct sk_node *node);

#endif
