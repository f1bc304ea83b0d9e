/* terminal.h: this program's own terminal, lent to a command in a sandbox:
 * every key goes there, and it is told when the window's size changes.
 *
 * While it is lent it is raw. It is given back by sk_terminal_close, by a
 * second signal that ends the program at once, and while the program is stopped. */
#ifndef SK_CLI_TERMINAL_H
#define SK_CLI_TERMINAL_H

#include "cli/client.h"
#include "cli/window.h"

#include <termios.h>

struct sk_terminal {
    struct sk_client *client;
    struct termios saved;
    struct sk_signal *resized, *stopped, *continued;
    bool lent;
    void (*on_resize)(void *arg, struct sk_window window);
    void (*on_lent)(void *arg, bool lent); /* may be NULL */
    void *arg;
};

/* Of standard output's terminal, else of standard input's, else zero. */
struct sk_window sk_terminal_window(void);
/* Standard input must be a terminal: SK_FAILED_PRECONDITION. */
SK_MUST_CHECK enum sk_code sk_terminal_open(struct sk_terminal *terminal, struct sk_client *client,
                                            void (*on_resize)(void *arg, struct sk_window window), void *arg,
                                            struct sk_err *err);
/* fn is told that the terminal is lent (now, and each time anew), and before it is given back, however that
 * comes about. */
void sk_terminal_follow(struct sk_terminal *terminal, void (*fn)(void *arg, bool lent));
/* Harmless twice or on a zeroed struct. */
void sk_terminal_close(struct sk_terminal *terminal);

#endif
