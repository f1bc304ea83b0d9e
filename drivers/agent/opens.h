/* opens.h: the OPENs of one guest that have not ended: asked for, held for
 * writing, or being committed.
 *
 * On the wire each has a number of its own, which is never used again, so
 * that an answer that comes late is not taken for another's. */
#ifndef SK_AGENT_OPENS_H
#define SK_AGENT_OPENS_H

#include "base/list.h"
#include "drivers/agent/wire.h"
#include "loop/done.h"

struct sk_guest;

enum sk_open_state { SK_OPEN_ASKED, SK_OPEN_HELD, SK_OPEN_COMMITTING };

struct sk_open {
    struct sk_list link;
    struct sk_guest *guest;
    uint64_t key;    /* on the wire */
    uint64_t caller; /* the caller's key of a write; 0 = none, or ended for the caller */
    enum sk_open_kind kind;
    enum sk_open_state state;
    struct sk_done *done; /* NULL = nobody waits (any more) */
    int *out_fd;          /* the file, or a terminal's master */
    int *out_slave;
};

struct sk_opens {
    struct sk_list list;
    size_t len;
    uint64_t last_key;
};

void sk_opens_init(struct sk_opens *opens);
/* Forgets all; no done fires. */
void sk_opens_fini(struct sk_opens *opens);
bool sk_opens_is_full(const struct sk_opens *opens);
/* In the state ASKED, with the next number. Borrowed. */
struct sk_open *sk_opens_add(struct sk_opens *opens, enum sk_open_kind kind);
void sk_opens_drop(struct sk_opens *opens, struct sk_open *open);
struct sk_open *sk_opens_find(const struct sk_opens *opens, uint64_t key);
/* A write that is held, by the caller's key. */
struct sk_open *sk_opens_find_held(const struct sk_opens *opens, uint64_t caller);
/* One that somebody waits for, or NULL. */
struct sk_open *sk_opens_find_waiting(const struct sk_opens *opens);

#endif
