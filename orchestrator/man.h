/* man.h: sandkeepd(8), the page of the manual, and the text of --help, from
 * one table of options. Pure. */
#ifndef SK_MAN_H
#define SK_MAN_H

#include "base/buf.h"

/* Of the command line, for people; ends with one without a name. */
struct sk_daemon_option {
    const char *name;    /* without dashes */
    const char *metavar; /* NULL = none */
    const char *help;
};
extern const struct sk_daemon_option sk_daemon_options[];

/* Errors: SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_man_usage(struct sk_buf *out);
SK_MUST_CHECK enum sk_code sk_man_print(struct sk_buf *out);

#endif
