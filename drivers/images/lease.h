/* lease.h: leases of the image store, and who works under each: a pull or an
 * import, and what they have set going that others wait for as well. A lease
 * that was spent is let go of when the last of them has left, and asked for
 * again as long as the store does not do it; one that was not stays for an
 * hour, so that the next pull of that name finds what this one fetched, and is
 * litter then. While it is in use it is none. */
#ifndef SK_IMAGES_LEASE_H
#define SK_IMAGES_LEASE_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/images/driver.h"

#define SK_LEASE_RENEWAL SK_SEC(1200) /* a third of the hour that the store grants */

struct sk_lease {
    struct sk_map_node node; /* key: id */
    struct sk_images_driver *driver;
    char *id;
    unsigned users;
    bool is_spent;
    bool is_ending; /* let_go is under way */
    struct sk_done let_go;
    struct sk_done *closer;  /* waits for it; may be NULL */
    struct sk_list openers;  /* struct sk_lease_open: came while it ended */
    struct sk_timer renewal; /* or the limit of let_go, or the pause before its next try */
    struct sk_list owed;     /* in driver->owed: the store has not let go of it */
    struct sk_duration pause;
    struct sk_done renew;
    bool is_renewing;
};

/* One who opens a lease; the caller's, stays until done has fired. */
struct sk_lease_open {
    struct sk_list link;
    struct sk_loop *loop;
    struct sk_done *done;
};

/* *out_lease is set at once; it counts as open, and must be closed, even when done fires with an error. */
void sk_lease_open(struct sk_images_driver *driver, const char *id, struct sk_lease_open *open,
                   struct sk_lease **out_lease, struct sk_done *done);
/* For what goes on behind whoever opened it: works under it too. */
struct sk_lease *sk_lease_ref(struct sk_lease *lease);
void sk_lease_unref(struct sk_lease *lease_take);
/* is_spent: nothing that was written under it is to stay by it. done (may be NULL) fires when that is so, or
 * at once when others still work under it; it can say that the store did not do it (yet). */
void sk_lease_close(struct sk_lease *lease_take, bool is_spent, struct sk_done *done);
/* What the store has not let go of is left to the litter. */
void sk_leases_give_up(struct sk_images_driver *driver);

#endif
