/* top_screen.h: the screen of `sandkeep top`: text that fits the window, and what brings it there. Pure.
 *
 * While it is shown the terminal has its other screen, no cursor, and does not wrap lines; what was there
 * before is there again afterwards. Texts of strangers hold no control characters by then (table.h). */
#ifndef SK_CLI_TOP_SCREEN_H
#define SK_CLI_TOP_SCREEN_H

#include "cli/node_output.h"
#include "cli/window.h"

/* What the terminal is told first, and last. */
#define SK_TOP_ENTER "\x1b[?1049h\x1b[?7l\x1b[?25l"
#define SK_TOP_LEAVE "\x1b[?25h\x1b[?7h\x1b[?1049l"

struct sk_top_view {
    enum sk_top_order order;
    bool shows_sessions;
    const char *fault; /* what the last question failed for; NULL = it did not */
};

/* One whole picture, in place of the one before. status NULL: nothing is known yet. Errors:
 * SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_top_draw(Sandkeep__V1__NodeStatus *status, const struct sk_top_view *view,
                                       struct sk_window window, struct sk_wall now, struct sk_buf *out);

#endif
