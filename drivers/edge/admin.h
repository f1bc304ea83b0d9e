/* admin.h: HAProxy's runtime socket: one line (or a line and a payload) is
 * asked on a connection of its own, and answered until its end. */
#ifndef SK_EDGE_ADMIN_H
#define SK_EDGE_ADMIN_H

#include "base/buf.h"
#include "loop/done.h"

#include <stdbool.h>

struct sk_admin {
    struct sk_loop *loop;
    const char *dir; /* of the socket; borrowed */
    int pid;         /* who must be at the other end */

    int fd;
    struct sk_watch *watch;
    struct sk_timer limit;
    struct sk_buf question, answer;
    size_t sent;
    struct sk_done *done; /* NULL = nobody has asked */
};

void sk_admin_init(struct sk_admin *admin, struct sk_loop *loop, const char *dir);
/* None may be under way. */
void sk_admin_fini(struct sk_admin *admin);
/* The question is taken from `question_take`, which is empty afterwards; the answer is admin->answer's, with
 * a NUL behind it, until the next question. One at a time. Errors: SK_UNAVAILABLE (it does not run, or is
 * another one), SK_DEADLINE_EXCEEDED (it is silent). */
void sk_admin_ask(struct sk_admin *admin, struct sk_buf *question_take, struct sk_done *done);
/* The question under way, if any, is answered with SK_UNAVAILABLE, in the next turn. */
void sk_admin_drop(struct sk_admin *admin);

/* The same while waiting for it, a few seconds at most; for start-up. The answer is the caller's, on the
 * heap; out_pid: whose it is. */
SK_MUST_CHECK enum sk_code sk_admin_ask_now(const char *dir, const char *question, char **out_answer,
                                            int *out_pid, struct sk_err *err);

#endif
