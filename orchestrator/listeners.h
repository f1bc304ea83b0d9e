/* listeners.h: where callers reach the daemon: the admin socket, the configuration's addresses on this
 * machine, and those that others reach, which are open only once there is a key that others could be known
 * by.
 *
 *   <run_dir>/admin.sock   mode 0600: whoever may open it is an admin, without a key
 *   <run_dir>/address      the addresses that are open, one a line
 *
 * Opening is blocking, for a moment. Threads: loop only. */
#ifndef SK_LISTENERS_H
#define SK_LISTENERS_H

#include "api/api.h"
#include "config/config.h"

#define SK_ADMIN_SOCKET "admin.sock"

struct sk_listeners;

/* All borrowed; they outlive the listeners. */
struct sk_listeners_options {
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    const struct sk_log *log;
    const struct sk_config *config;
    struct sk_api *api;
    struct sk_tls *tls; /* of addresses; NULL = plain */
};

/* Heap; one owner; to be closed after a failure, too. Errors: those of sk_server_new and of files. */
SK_MUST_CHECK enum sk_code sk_listeners_open(const struct sk_listeners_options *options,
                                             struct sk_listeners **out_listeners, struct sk_err *err);
/* Takes no new calls, ends those under way, frees, then fires. */
void sk_listeners_close(struct sk_listeners *listeners, struct sk_done *done);

#endif
