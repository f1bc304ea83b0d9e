/* health.h: whether the node can do what it is asked, and who wants to hear when that changes.
 *
 * A fault is set by whoever meets it and taken back by whoever sees it gone; watchers are told of every
 * change, once a turn. A store that refused is tried every few seconds with a small record: a node that is
 * not asked for anything while it is unwell would never learn that it is well again.
 *
 * Threads: loop only. */
#ifndef SK_CORE_HEALTH_H
#define SK_CORE_HEALTH_H

#include "base/list.h"
#include "loop/done.h"

#include <stdbool.h>

#define SK_HEALTH_WATCHERS_MAX  1024
#define SK_HEALTH_STRANGERS_MAX 768 /* of these, of whom nobody knows who they are; */
#define SK_HEALTH_PEER_MAX      128 /* and of these, from one address */

struct sk_node;
struct sk_health;

enum sk_health_fault {
    SK_HEALTH_BACKEND = 1 << 0,  /* the runtime does not answer */
    SK_HEALTH_STORE = 1 << 1,    /* what must be remembered cannot be written */
    SK_HEALTH_DRAINING = 1 << 2, /* nothing new is begun */
    SK_HEALTH_NETWORK = 1 << 3,  /* sandboxes' network rules are not in force */
};

/* Storage is the watcher's, zeroed but for the peer. fn is called in a turn of its own after a change, not
 * before the watch begins. */
struct sk_health_watcher {
    void (*fn)(struct sk_health_watcher *watcher);
    const char *peer; /* the address of a stranger, borrowed; NULL: it is known who watches */
    struct sk_list link;
    struct sk_health *health;
};

struct sk_health {
    struct sk_node *node;
    unsigned faults;
    struct sk_list watchers; /* struct sk_health_watcher */
    size_t watcher_count;
    struct sk_task tell;
    struct sk_timer probe; /* of the store */
    struct sk_done put;
    bool putting;
};

/* For node.c. */
void sk_health_init(struct sk_health *health, struct sk_node *node);
void sk_health_stop(struct sk_health *health); /* a put under way holds the node until it is over */
void sk_health_fini(struct sk_health *health);

/* The faults that are there, of enum sk_health_fault; 0 = well. */
unsigned sk_node_health(const struct sk_node *node);
void sk_node_set_health(struct sk_node *node, enum sk_health_fault fault, bool is_there);
/* In words, the gravest alone: "the sandbox runtime does not answer"; "" = well. Static. */
const char *sk_health_describe(unsigned faults);

/* Whoever asks needs no key, so there is an end to how many may, and strangers keep out nobody who has one:
 * SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_node_watch_health(struct sk_node *node, struct sk_health_watcher *watcher,
                                                void (*fn)(struct sk_health_watcher *watcher),
                                                struct sk_err *err);
/* Harmless if it watches nothing. */
void sk_health_watcher_stop(struct sk_health_watcher *watcher);

#endif
