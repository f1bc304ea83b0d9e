/* guests.h: callers with keys that were not made here, whom another server vouches for (drivers/verifier.h).
 *
 * What it says is remembered by the key's digest alone: whom it knows for ten minutes, whom it does not for
 * one. While it does not answer, those it knew stay known for as long as the options say, and nobody else
 * gets in. Many calls with one key make one question.
 *
 * A key with which something is under way (sk_guests_hold) is asked for again every ten minutes; its text is
 * kept as long. Only an answer ends what is under way, never that there is none; or other terms do.
 *
 * Threads: loop only. */
#ifndef SK_IDENTITY_GUESTS_H
#define SK_IDENTITY_GUESTS_H

#include "base/entities.h"
#include "base/log.h"
#include "base/tenant.h"
#include "drivers/verifier.h"
#include "identity/secret.h"
#include "loop/flight.h"

#define SK_GUESTS_MAX       5000 /* remembered: as many who are known, and as many who are not */
#define SK_GUESTS_ASKED_MAX 64   /* questions at a time */
#define SK_GUEST_GOOD_FOR   SK_SEC(600)
#define SK_GUEST_BAD_FOR    SK_SEC(60)

struct sk_guests;

/* What a configuration says. */
struct sk_guests_terms {
    bool open; /* somebody vouches; else nobody comes in */
    struct sk_entity_table
        entities;             /* who may come in, and as which tenant; borrowed until there are others */
    struct sk_duration grace; /* beyond ten minutes, while the verifier does not answer */
};

/* Borrowed; they outlive the guests. */
struct sk_guests_options {
    struct sk_loop *loop;
    const struct sk_log *log; /* may be NULL */
    struct sk_verifier *verifier;
    struct sk_guests_terms terms;
};

struct sk_guest {
    char entity[SK_ENTITY_MAX + 1]; /* by which they came in, as that tenant */
    char tenant[SK_TENANT_MAX + 1];
    char key_id[SK_KEY_ID_LEN + 1];
};

/* Heap; one owner. */
struct sk_guests *sk_guests_new(const struct sk_guests_options *options);
/* Nobody may be waiting, nothing be held. Frees when no question is under way any more, then fires. */
void sk_guests_close(struct sk_guests *guests, struct sk_done *done);

struct sk_guest_use;

/* Told of what happens, inside the call that makes it happen; each may be NULL. Nothing is released in there.
 */
struct sk_guests_events {
    void (*on_open)(void *arg); /* somebody vouches, where nobody did */
    /* Who holds this would be let in no more, or as another tenant. */
    void (*on_lost)(void *arg, struct sk_guest_use *use);
};
void sk_guests_listen(struct sk_guests *guests, const struct sk_guests_events *events, void *arg);

/* Other terms. is_other: the verifier asks somewhere else from now on, and what was said so far counts for
 * nothing: it is forgotten. When the entities alone are new, that is forgotten which they change: who came in
 * by one that is gone, or stands for another tenant, is lost at once; the others are asked for anew, and stay
 * known for as long as the options say while nobody answers. So is, in both cases, what is under way. */
void sk_guests_configure(struct sk_guests *guests, const struct sk_guests_terms *terms, bool is_other);
/* Whether somebody vouches, or has since the start: then callers need a key. */
bool sk_guests_were_open(const struct sk_guests *guests);

/* Whether a text may be a key that somebody else made, and there is who could know it. */
bool sk_guests_may_know(const struct sk_guests *guests, const char *key);

/* One who asks; zeroed. The caller's until done has fired. */
struct sk_guest_ask {
    struct sk_waiter waiter;
    struct sk_done told;
    struct sk_done *done;
    struct sk_guests *guests;
    const char *key, *entity;
    char name[2 * SK_DIGEST_LEN + 1]; /* of what is asked for, in hexadecimal digits */
    struct sk_guest guest;            /* who it is, when done has fired without error */
};

/* entity: of those the holder has, the one that counts; "" = the first that may come in. Both are borrowed
 * until done has fired. True: the answer is known, SK_OK or an error; done does not fire. False: it will, and
 * can be cancelled. Errors: SK_UNAUTHENTICATED, SK_PERMISSION_DENIED (no entity of theirs may come in),
 * SK_UNAVAILABLE (the other server does not answer, or too many ask). */
bool sk_guests_ask(struct sk_guests *guests, struct sk_guest_ask *ask, const char *key, const char *entity,
                   struct sk_done *done, struct sk_err *out_err);

/* Something that is under way with a key; zeroed: nothing is. */
struct sk_guest_use {
    struct sk_list link;
    struct sk_guest_watch *watch;
};

/* From an ask that was answered without error, until it is released; then `ask` may be gone. */
void sk_guests_hold(struct sk_guests *guests, struct sk_guest_use *use, const struct sk_guest_ask *ask);
/* Harmless when nothing is held. */
void sk_guests_release(struct sk_guest_use *use);

#endif
