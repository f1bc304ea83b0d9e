/* window.h: the size of a terminal, in characters. */
#ifndef SK_CLI_WINDOW_H
#define SK_CLI_WINDOW_H

#include <stdint.h>

struct sk_window {
    uint32_t width, height; /* 0 = not known */
};

#endif
