/* timeline.h: the last things that happened, for people who look: states of
 * sandboxes and sessions, pulls, what did not pass. In memory alone; the log
 * and the audit are what is kept.
 *
 * Texts may be strangers' words: whoever shows them escapes them. Threads:
 * loop only. */
#ifndef SK_CORE_TIMELINE_H
#define SK_CORE_TIMELINE_H

#include "base/clock.h"
#include "base/own.h"

#define SK_TIMELINE_MAX 256

struct sk_happening {
    struct sk_wall at;
    const char *kind; /* "sandbox", "session", "image", "network", "node"; static */
    char id[64];      /* what it happened to; "" = the node */
    char text[192];   /* valid UTF-8, cut */
};

/* A zeroed one is empty. */
struct sk_timeline {
    struct sk_happening *items; /* heap; NULL until there is one */
    size_t count, next;
};

void sk_timeline_fini(struct sk_timeline *timeline);
void sk_timeline_add(struct sk_timeline *timeline, struct sk_wall at, const char *kind, const char *id,
                     const char *fmt, ...) SK_PRINTF(5, 6);
/* The newest first: index 0 … count - 1. Borrowed until the next one comes. */
const struct sk_happening *sk_timeline_get(const struct sk_timeline *timeline, size_t index);

#endif
