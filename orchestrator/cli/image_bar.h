/* image_bar.h: how far a pull is, on standard error: one line that is drawn
 * again and again on a terminal, else a line a second when there is news. */
#ifndef SK_CLI_IMAGE_BAR_H
#define SK_CLI_IMAGE_BAR_H

#include "base/clock.h"

#include "sandkeep/image.pb-c.h"

#include <stdbool.h>

#define SK_IMAGE_BAR_MAX 256

struct sk_image_bar {
    const char *name; /* borrowed */
    bool quiet, terminal, shown;
    struct sk_instant drawn, begun; /* begun: when bytes were first told of */
    int64_t first;                  /* as many were there then */
    char last[SK_IMAGE_BAR_MAX];
};

/* Pure: "NAME  12.3 MiB / 40.0 MiB  31 %  [######..............]  layers 3/10  4.1 MiB/s", cut to `width`
 * columns; rate 0 = left out; control characters of the name are shown as "?". */
void sk_image_bar_print(const char *name, const Sandkeep__V1__PullImageResponse *said, int64_t rate,
                        size_t width, char out[SK_IMAGE_BAR_MAX]);

void sk_image_bar_init(struct sk_image_bar *bar, const char *name, bool quiet);
void sk_image_bar_show(struct sk_image_bar *bar, const Sandkeep__V1__PullImageResponse *said);
/* Wipes the line. */
void sk_image_bar_fini(struct sk_image_bar *bar);

#endif
