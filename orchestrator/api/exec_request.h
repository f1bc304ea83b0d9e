/* exec_request.h: what both kinds of exec have in common: which sandbox, which
 * command, which variables. */
#ifndef SK_API_EXEC_REQUEST_H
#define SK_API_EXEC_REQUEST_H

#include "api/call.h"
#include "core/exec.h"

/* The kernel takes about this much of arguments and variables together. */
#define SK_EXEC_BYTES_MAX ((size_t)2 * 1024 * 1024)

/* The fields as they came, prefixed in paths by `prefix` (NULL = none). */
struct sk_exec_ask {
    const struct sk_path *prefix;
    const char *sandbox_id, *container;
    char *const *command;
    size_t command_count;
    struct sk_env *env;
    size_t env_count;
};

/* Checks, finds the sandbox, fills argv and env of *out_request (borrowed from
 * the message). False: the call has been answered. */
bool sk_exec_ask_take(struct sk_call *call, const struct sk_exec_ask *ask, struct sk_sandbox **out_sandbox,
                      struct sk_exec_request *out_request);

/* Answers a call that was cancelled or ran out of time. */
void sk_exec_fail_cancelled(struct sk_call *call);

#endif
