/* import_impl.h: what the files of an import share. */
#ifndef SK_IMAGES_IMPORT_IMPL_H
#define SK_IMAGES_IMPORT_IMPL_H

#include "drivers/images/intake.h"

struct sk_import_brought {
    const struct sk_import_brought *next;
    char digest[SK_DIGEST_SIZE];
};

struct sk_image_import {
    struct sk_intake intake; /* of the finish; its driver and lease serve the whole import */
    struct sk_lease_open opening;
    struct sk_image_import **out; /* of import_open */
    int64_t max_bytes, announced;

    /* The blob under way: our run of driver->blobs, so that a pull that wants it waits for it. */
    struct sk_oci_descriptor what;
    struct sk_fetch_waiter waiter;
    struct sk_done flown; /* that run, or somebody else's, is over */
    struct sk_done *run;  /* to be answered by us; NULL = there is none of ours */
    struct sk_blob_writer *writer;
    struct sk_timer idle;
    size_t lately; /* bytes since it was started */
    bool *out_wanted;
    int64_t found;

    /* What did not lie here before, so that whoever imports it has it. */
    struct sk_arena arena;
    const struct sk_import_brought *brought;
    struct sk_stored_images named; /* at the finish */

    struct sk_done inner; /* of the call under way, one at a time */
    struct sk_done *done; /* the caller's; NULL = nobody listens */
    bool is_busy, is_closed, is_finished;
    bool is_waiting;   /* for somebody else's fetch of the blob */
    bool is_cancelled; /* the call under way */

    /* Where a finish writes once the import was closed: what was the caller's may be gone. */
    struct sk_image_progress nobodys_progress;
    struct sk_image *nobodys_image;
    bool nobodys_wish;
};

/* One call begins: `then` gets import->inner's answer, and ends with sk_import_on_answer or like it. */
void sk_import_begin(struct sk_image_import *import, struct sk_done *done,
                     void (*then)(struct sk_done *inner, const struct sk_err *err));
/* For import->inner: passes on what came, and frees an import that was closed meanwhile. */
void sk_import_on_answer(struct sk_done *inner, const struct sk_err *err);
/* For what is refused without asking anybody. */
void sk_import_refuse(struct sk_image_import *import, struct sk_done *done, const struct sk_err *err);

#endif
