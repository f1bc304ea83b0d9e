/* reloader.h: what NodeService asks of whoever runs the daemon: the
 * configuration read again. */
#ifndef SK_API_RELOADER_H
#define SK_API_RELOADER_H

#include "loop/done.h"

/* What a reload came to; texts are borrowed for the call of done. */
struct sk_reload_report {
    const char *const *changed; /* names of keys, NULL-terminated: new values are in force */
    const char *const *waiting; /* the same: new values wait for a restart */
    const char *const *faults;  /* whole lines "file:line: key: what is wrong" */
};

/* One who waits; the caller's, zeroed before, stays until done has fired. */
struct sk_reload_wait {
    struct sk_list link;
    struct sk_done *done;
    struct sk_reload_report report; /* set when done fires */
};

struct sk_reloader {
    /* Errors: SK_INVALID_ARGUMENT (the faults say all; nothing has changed), SK_UNAVAILABLE (the daemon is
     * stopping). */
    void (*reload)(void *arg, struct sk_reload_wait *wait, struct sk_done *done);
    void *arg;
};

#endif
