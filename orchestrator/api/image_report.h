/* image_report.h: what the client of a pull or an import hears while its image
 * is being made: how far that is, at most five times a second and only when it
 * has changed, and at the end the image. */
#ifndef SK_API_IMAGE_REPORT_H
#define SK_API_IMAGE_REPORT_H

#include "api/image_encode.h"

#define SK_IMAGE_REPORT_EVERY SK_MSEC(200)

/* Part of what lives in the call's arena; zeroed, then the first five are set. */
struct sk_image_report {
    struct sk_call *call;
    struct sk_images *images;
    /* NULL: nothing is known yet. */
    const struct sk_image_progress *(*look)(struct sk_image_report *report);
    void (*send)(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * message);
    /* The end: the last message, or NULL and an error. It must answer the call. */
    void (*answer)(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * last,
                   const struct sk_err *err);

    struct sk_timer timer;
    struct sk_done done;
    SK_OWN_PB(PullImageResponse) said;
    bool sending;
    struct sk_image *image; /* owned, at the end */
    struct sk_image_rows row;
};

/* Tells the client at once, then again and again. */
void sk_image_report_start(struct sk_image_report *report);
/* The call's on_sent. */
void sk_image_report_sent(struct sk_image_report *report);
/* Nothing more is told. Harmless twice. */
void sk_image_report_stop(struct sk_image_report *report);
/* Stops; looks up what the node now has by that name; `answer` follows. */
void sk_image_report_finish(struct sk_image_report *report, struct sk_image *image_take);
/* Of the call, while finishing: `answer` still follows. */
void sk_image_report_cancel(struct sk_image_report *report);

#endif
