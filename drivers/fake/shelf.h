/* shelf.h: what the fake image store holds: blobs, writes, images, unpacked
 * layers, leases, and what keeps what. Pure, but for the clock it is told. */
#ifndef SK_FAKE_SHELF_H
#define SK_FAKE_SHELF_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "drivers/content.h"

enum sk_fake_kind {
    SK_FAKE_BLOB,
    SK_FAKE_WRITE, /* open or kept */
    SK_FAKE_IMAGE,
    SK_FAKE_SNAPSHOT,
    SK_FAKE_LEASE,
};

/* One of them; the fields of other kinds are empty. */
struct sk_fake_thing {
    struct sk_list link;
    enum sk_fake_kind kind;
    char *key;             /* digest, name or chain id */
    struct sk_list holds;  /* struct sk_fake_hold: the leases it is under */
    struct sk_arena arena; /* for what the fields below point to; a new one replaces it */
    bool is_marked;        /* while collecting */
    bool is_used;          /* write: open; lease: of this daemon */

    struct sk_buf bytes; /* blob, write */
    const struct sk_content_ref *refs;
    size_t ref_count;
    struct sk_stored_image image;
    const char *parent; /* snapshot */
    int64_t size;
    struct sk_wall until; /* lease */
};

struct sk_fake_hold {
    struct sk_list link;
    char *lease;
};

struct sk_fake_shelf {
    struct sk_list things;
};

void sk_fake_shelf_init(struct sk_fake_shelf *shelf);
void sk_fake_shelf_fini(struct sk_fake_shelf *shelf);

/* Borrowed, or NULL. */
struct sk_fake_thing *sk_fake_shelf_find(const struct sk_fake_shelf *shelf, enum sk_fake_kind kind,
                                         const char *key);
/* A new one, or the one that is there. */
struct sk_fake_thing *sk_fake_shelf_put(struct sk_fake_shelf *shelf, enum sk_fake_kind kind, const char *key);
/* NULL is fine. */
void sk_fake_shelf_remove(struct sk_fake_thing *thing);
size_t sk_fake_shelf_count(const struct sk_fake_shelf *shelf, enum sk_fake_kind kind);

/* lease NULL: nothing. Errors: SK_NOT_FOUND (no such lease). */
SK_MUST_CHECK enum sk_code sk_fake_shelf_hold(struct sk_fake_shelf *shelf, struct sk_fake_thing *thing,
                                              const char *lease, struct sk_err *err);
/* Removes leases that have run out, and what nothing keeps. */
void sk_fake_shelf_collect(struct sk_fake_shelf *shelf, struct sk_wall now);

#endif
