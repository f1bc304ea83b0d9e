/* images.h: every decision about images: which may be used, when one is
 * fetched, that one fetch serves all who wait for it, how long an unused one
 * stays.
 *
 * Who may use what: an image fetched with a login of its own (a create's
 * image_pull_credentials) is remembered with a digest of that login; others
 * may use it once the registry has shown them the same image, by their own
 * login or the node's. So a private image is not public to the node.
 *
 * Threads: loop only. */
#ifndef SK_CORE_IMAGES_H
#define SK_CORE_IMAGES_H

#include "core/image_policy.h"
#include "core/pull_login.h"
#include "drivers/image.h"
#include "loop/flight.h"
#include "oci/reference.h"

struct sk_node;
struct sk_images;

enum sk_pull_policy { SK_PULL_MISSING, SK_PULL_ALWAYS, SK_PULL_NEVER };

/* From the config; copied. Patterns: see image_policy.h. Zeroed, everything is allowed, and nothing
 * collected. */
struct sk_images_config {
    enum sk_pull_policy pull_policy;
    const char *const *allow, *const *deny; /* NULL-terminated or NULL; nothing allowed = all allowed */
    const char *const *prepull;             /* fetched at start, and kept */
    const char *const *pinned;              /* patterns: never collected, never removed by age or pressure */
    int64_t max_bytes;                      /* 0 = no limit */
    struct sk_duration unused;              /* collected when no sandbox has used it for so long; 0 = never */
    unsigned high_percent;                  /* disk pressure: above it the least recently used go … */
    unsigned low_percent;                   /* … until this is reached; high 0 or 100 = never */
    struct sk_duration pull_limit;          /* of one pull, however many wait; 0 = none */
    const char *login_salt;                 /* of this node; see pull_login.h; NULL = none */
};

/* One who waits for an image; the caller's, zeroed before its first use, stays until done has fired. */
struct sk_image_wait {
    struct sk_waiter waiter;
    struct sk_list parked; /* until the name's removal is over */
    struct sk_done inner;
    struct sk_done *done; /* NULL: it does not wait */
    struct sk_images *images;
    struct sk_image **out_image;
    struct sk_image *found;
    struct sk_pull_login login; /* a copy; empty = none */
    char puller[SK_DIGEST_SIZE];
    char name[SK_REFERENCE_MAX];
    bool forced; /* asks the registry whatever lies here */
    bool cancelled;
    bool pulled; /* a registry was asked, and not only what lies here */
};

/* Heap. Opened and closed by the node. */
struct sk_images *sk_images_open(struct sk_node *node, const struct sk_images_config *config);
/* After the records are loaded: the pre-pull list, the first collection. */
void sk_images_start(struct sk_images *images);
/* Cancels what goes on in the background, and every pull; each such thing holds the node until it is over. */
void sk_images_stop(struct sk_images *images);
/* Stopped first; no waiter may be left. NULL is fine. */
void sk_images_free(struct sk_images *images);

/* Whether policy lets this reference be used at all; for creates, before anything is recorded. Errors:
 * SK_INVALID_ARGUMENT (no valid reference), SK_PERMISSION_DENIED + SK_REASON_IMAGE (not allowed, and by which
 * rule). */
SK_MUST_CHECK enum sk_code sk_images_check(const struct sk_images *images, const char *reference,
                                           struct sk_err *err);

/* Makes the image usable and describes it, by policy: from what is here, or from the registry. done can be
 * cancelled, which stops a pull only when nobody else waits for it. login: NULL = the node's own. Errors: of
 * sk_images_check and of drivers/image.h; SK_NOT_FOUND when it is not here and policy says never,
 * SK_PERMISSION_DENIED when what is here was fetched with another login and policy says never. */
void sk_images_ensure(struct sk_images *images, struct sk_image_wait *wait, const char *reference,
                      const struct sk_image_login *login, struct sk_image **out_image, struct sk_done *done);
/* The same, but the registry is asked whatever lies here (sandkeep image pull). */
void sk_images_pull(struct sk_images *images, struct sk_image_wait *wait, const char *reference,
                    const struct sk_image_login *login, struct sk_image **out_image, struct sk_done *done);

/* Where the pull stands that this waiter waits for; NULL when it does not wait for one. Borrowed until the
 * next turn. */
const struct sk_image_progress *sk_image_wait_progress(const struct sk_image_wait *wait);
/* "pulling docker.io/library/python:3.11 41 %", "" when nothing is pulled. */
#define SK_IMAGE_WAIT_TEXT (SK_REFERENCE_MAX + 64)
void sk_image_wait_describe(const struct sk_image_wait *wait, char out[SK_IMAGE_WAIT_TEXT]);

/* Whether a sandbox that is not over was made, or is being made, of it. By normalised name. */
bool sk_images_in_use(const struct sk_images *images, const char *name);
/* Removes a name. Errors: SK_NOT_FOUND, SK_FAILED_PRECONDITION (in use; being pulled or removed). */
void sk_images_remove(struct sk_images *images, const char *name, struct sk_done *done);
/* For what needs no decision: list, inspect, import. */
struct sk_image_driver *sk_images_driver(const struct sk_images *images);
const struct sk_images_config *sk_images_config(const struct sk_images *images);
/* Other settings, but for the salt: pulls that are under way end as they began. */
void sk_images_configure(struct sk_images *images, const struct sk_images_config *config);

#endif
