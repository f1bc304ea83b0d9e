/* spawn.h: from a request to a running program. */
#ifndef SK_GUEST_SPAWN_H
#define SK_GUEST_SPAWN_H

#include "drivers/agent/wire.h"

#include <sys/resource.h>
#include <sys/types.h>

struct sk_spawner {
    int null_fd;             /* /dev/null, -1 when the sandbox has none */
    struct rlimit files;     /* what processes get; the guest's own is higher */
    char *stack, *stack_top; /* the child's, until it executes its program */
};

/* False when there is no memory for it. */
bool sk_spawner_init(struct sk_spawner *spawner);

struct sk_spawn {
    char **argv; /* argv[0] is searched on PATH of env unless it has a slash */
    char **env;  /* with room for one more entry */
    const char *user, *working_dir;
    int stdio[3];     /* borrowed; -1 = /dev/null */
    bool on_terminal; /* stdio[0] is a terminal, the session's own, and serves for all three */
};

/* Starts it in a session of its own and returns once its program has been
 * executed: 0 and *out_pid, or an errno and *out_stage. */
int sk_spawn(struct sk_spawner *spawner, const struct sk_spawn *spawn, pid_t *out_pid,
             enum sk_stage *out_stage);

#endif
