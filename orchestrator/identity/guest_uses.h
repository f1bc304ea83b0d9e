/* guest_uses.h: the calls under way of callers whom another server vouches for; a part of guests.h. As long
 * as a key has some, it is asked for again whenever what was said of it is no longer fresh, so that one which
 * is revoked there ends what was begun with it, and not only what comes next.
 *
 * Threads: loop only. */
#ifndef SK_IDENTITY_GUEST_USES_H
#define SK_IDENTITY_GUEST_USES_H

#include "identity/guests.h"

#define SK_GUESTS_AGAIN_MAX 16         /* questions at a time */
#define SK_GUEST_AGAIN_IN   SK_SEC(60) /* after one that was not answered */

/* What the guests do for it. */
struct sk_guest_uses_ops {
    /* Until when what was said is good; unset or past = it is to be asked for. */
    struct sk_instant (*fresh_until)(void *arg, const char *name);
    /* Asks for what ask->key, entity and name say; answers ask->done, which can be cancelled. */
    void (*ask)(void *arg, struct sk_guest_ask *ask);
    /* A guest is lost, then each of their uses; nothing is released meanwhile. */
    void (*on_guest_lost)(void *arg, const struct sk_guest *guest);
    void (*on_use_lost)(void *arg, struct sk_guest_use *use);
    /* No question is under way any more. */
    void (*on_idle)(void *arg);
};

struct sk_guest_uses {
    struct sk_loop *loop;
    const struct sk_guest_uses_ops *ops;
    void *arg;
    struct sk_map watches; /* of those in use, by name */
    struct sk_list list;   /* the same */
    size_t asking;
};

void sk_guest_uses_init(struct sk_guest_uses *uses, struct sk_loop *loop, const struct sk_guest_uses_ops *ops,
                        void *arg);
/* All are released and no question is under way (asserted). */
void sk_guest_uses_fini(struct sk_guest_uses *uses);

void sk_guest_uses_hold(struct sk_guest_uses *uses, struct sk_guest_use *use, const struct sk_guest_ask *ask);
/* That is who the holder of `name` is now (NULL = nobody): who is none such is lost; but only once, until
 * somebody is let in again. */
void sk_guest_uses_change(struct sk_guest_uses *uses, const char *name, const struct sk_guest *now);
/* All are asked for anew, a few at a time: who it is that answers, or what counts of it, has changed. */
void sk_guest_uses_doubt(struct sk_guest_uses *uses);
/* Asks of each whether they may stay; who may not is lost. */
void sk_guest_uses_sift(struct sk_guest_uses *uses, bool (*may_stay)(void *arg, const struct sk_guest *guest),
                        void *arg);

#endif
