/* stay.h: one call under way, as the end of service sees it: what is waited
 * for, and what is cut when it takes too long.
 *
 * Threads: loop only. */
#ifndef SK_CORE_STAY_H
#define SK_CORE_STAY_H

#include "core/node.h"

enum sk_stay_kind {
    SK_STAY_BRIEF,  /* answers soon by itself */
    SK_STAY_WORK,   /* a stream that ends with what it is about: a command, a pull */
    SK_STAY_ENDLESS /* a stream that lasts as long as its client likes: a log that is followed, a lease that
                       is held */
};

/* Storage is the caller's, zeroed. */
struct sk_stay {
    enum sk_stay_kind kind;
    /* It is to end now, as if its client had gone; its client is there, and should be told why: sk_stay_why.
     * NULL: it ends by itself soon. Once, never inside a call. */
    void (*cut)(struct sk_stay *stay);
    bool is_cut;
    struct sk_node *node;
    struct sk_list link; /* node->stays */
};

/* Errors: SK_UNAVAILABLE + RUNNER_UNAVAILABLE: the node's drain is past its deadline, so a stream may not
 * begin. */
SK_MUST_CHECK enum sk_code sk_stay_begin(struct sk_node *node, struct sk_stay *stay, enum sk_stay_kind kind,
                                         void (*cut)(struct sk_stay *stay), struct sk_err *err);
/* What it is has become known. */
void sk_stay_become(struct sk_stay *stay, enum sk_stay_kind kind);
/* Harmless if it never began or is over. */
void sk_stay_end(struct sk_stay *stay);

/* What the client of one that was cut is told: SK_UNAVAILABLE + RUNNER_UNAVAILABLE. */
void sk_stay_why(const struct sk_stay *stay, struct sk_err *out_err);

/* Those of this kind. */
size_t sk_stays_count(const struct sk_node *node, enum sk_stay_kind kind);
/* Execs, files, logs, leases: all but those that are brief. */
size_t sk_stays_streams(const struct sk_node *node);
/* All, up to this kind. */
void sk_stays_cut(struct sk_node *node, enum sk_stay_kind most);

#endif
