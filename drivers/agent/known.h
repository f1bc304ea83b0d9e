/* known.h: the processes of one guest that the daemon knows, by key. */
#ifndef SK_AGENT_KNOWN_H
#define SK_AGENT_KNOWN_H

#include "base/list.h"
#include "loop/done.h"

struct sk_guest;

enum sk_known_state { SK_KNOWN_STARTING, SK_KNOWN_RUNNING, SK_KNOWN_ENDED };

struct sk_known {
    struct sk_list link;
    uint64_t key;
    enum sk_known_state state;
    struct sk_guest *guest;
    struct sk_done *done; /* of the start; NULL once answered */
    bool is_abandoned;    /* its start was cancelled: to be killed and forgotten */
};

/* Keys are numbers the daemon counts up, so their low bits spread well. */
struct sk_known_set {
    struct sk_list buckets[64];
    size_t len;
};

void sk_known_init(struct sk_known_set *set);
/* Forgets all; no done fires. */
void sk_known_fini(struct sk_known_set *set);
/* The key must not be in the set. Borrowed. */
struct sk_known *sk_known_add(struct sk_known_set *set, uint64_t key, enum sk_known_state state);
struct sk_known *sk_known_find(struct sk_known_set *set, uint64_t key);
void sk_known_drop(struct sk_known_set *set, struct sk_known *known);
/* A start that was not answered yet, or NULL. */
struct sk_known *sk_known_find_starting(struct sk_known_set *set);

#endif
