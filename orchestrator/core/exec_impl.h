/* exec_impl.h: the inside of struct sk_exec, and what the rest of core/ does
 * to a sandbox's execs.
 *
 * exec.c is its life (open, start, last word, close), exec_io.c its streams,
 * exec_terminal.c what is different on a terminal, execs.c all execs of a
 * sandbox at once. */
#ifndef SK_CORE_EXEC_IMPL_H
#define SK_CORE_EXEC_IMPL_H

#include "core/exec.h"
#include "core/exec_stream.h"
#include "core/sandbox_impl.h"
#include "core/stdio.h"

#include <signal.h>

enum sk_exec_phase {
    SK_EXEC_WAITING,  /* for the sandbox to run */
    SK_EXEC_STARTING, /* the guest was asked */
    SK_EXEC_RUNNING,
    SK_EXEC_DRAINING, /* it has ended (or its sandbox has): output, then the last word */
    SK_EXEC_OVER,     /* the last word was said */
};

struct sk_exec {
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_list link;        /* sandbox->execs */
    const struct sk_exec_events *events;
    void *arg;
    enum sk_exec_phase phase;
    struct sk_instant began; /* unset: of an earlier daemon */
    enum sk_exec_path path;
    bool has_spoken; /* some output was delivered */
    bool closed;     /* the owner has let go: no callback any more */
    bool orphan;     /* of an earlier daemon: never had an owner here */
    bool starting;   /* the guest has yet to say whether it runs */
    bool live;       /* the guest has yet to report its end */
    bool kept;       /* it has ended and the guest still knows it */
    bool wanted;
    uint64_t key;
    int status;
    struct sk_err failure; /* the last word is this, unless SK_OK */

    struct sk_arena arena; /* of the two below */
    const char **argv;
    struct sk_env *env;
    size_t env_count;

    struct sk_stdio io;
    struct sk_exec_stream out, err;
    struct sk_timer silence;
    struct sk_instant silence_began;
    struct sk_duration waited; /* for output, since the exit */
    uint64_t total_at_exit;    /* bytes of output */
    struct sk_timer limit;     /* of the start */
    struct sk_writer in;
    bool close_in; /* once what is pending is written */
    bool writing;
    struct sk_task room;
    struct sk_task turn;
    struct sk_done started;

    bool on_terminal;
    uint16_t columns, rows;   /* of the terminal; 0 = not said */
    int master, slave;        /* from the agent, until the streams and the process have them */
    uint8_t last_typed;       /* the last byte of input; 0 = none */
    bool typing_eof;          /* the writer is busy with an end of file */
    struct sk_timer again;    /* the next end of file */
    struct sk_duration pause; /* before it */
    struct sk_timer grace;    /* between the hang-up and the kill */
};

/* In the list of its sandbox; everything closed. */
struct sk_exec *sk_exec_new(struct sk_sandbox *sandbox);
void sk_exec_destroy(struct sk_exec *exec);
/* Its owner has let go and the guest has nothing to say of it any more. */
bool sk_exec_is_finished(const struct sk_exec *exec);
/* The last word was said, or nobody waits for it: counted once. */
void sk_exec_measure(struct sk_exec *exec, enum sk_exec_result result);
/* The last word is an error, now. */
void sk_exec_fail(struct sk_exec *exec, const struct sk_err *err);
/* To the process and everything started in it. */
void sk_exec_signal_tree(const struct sk_exec *exec, int signo);
/* The guest may forget the process, if it has ended and is still known. */
void sk_exec_release(struct sk_exec *exec);
/* Asks for what is needed next: the terminal, then the process. */
void sk_exec_start(struct sk_exec *exec);
/* What the guest was asked for could not be had. */
void sk_exec_start_failed(struct sk_exec *exec, const struct sk_err *err);
/* Looks at everything again in the next turn. */
void sk_exec_defer_turn(struct sk_exec *exec);

/* The process has ended: what it wrote is in the pipes, what comes later is not its own. */
void sk_exec_begin_drain(struct sk_exec *exec);
/* Takes the read ends over from exec->io. */
void sk_exec_begin_output(struct sk_exec *exec);
/* Delivers what is wanted and there, or the last word, or reads on. */
void sk_exec_pump(struct sk_exec *exec);
SK_MUST_CHECK enum sk_code sk_exec_open_stdin(struct sk_exec *exec, struct sk_err *err);

/* A terminal of the sandbox, in its size, with its streams: sk_exec_start goes on when it is there. */
void sk_exec_open_terminal(struct sk_exec *exec);
/* The sandbox's variables, and what programs need to know of the terminal. In the exec's arena. */
const char *const *sk_exec_terminal_env(struct sk_exec *exec, const char *const *env);
/* Types the end of input; the writer is idle. */
void sk_exec_type_eof(struct sk_exec *exec);
/* The writer has typed it. */
void sk_exec_eof_typed(struct sk_exec *exec);
/* SIGHUP, and SIGKILL a little later; the terminal itself was closed. */
void sk_exec_hang_up(struct sk_exec *exec);

/* The state or the guest's readiness has changed: those that wait look again. */
void sk_execs_poke(struct sk_sandbox *sandbox);
/* From the guest. */
void sk_execs_exited(struct sk_sandbox *sandbox, uint64_t key, int status);
/* A process whose stream went with an earlier daemon: it is drained and let run. */
void sk_execs_found(struct sk_sandbox *sandbox, uint64_t key, int stdout_take, int stderr_take);
/* Every process of the sandbox is gone, reported or not, and the guest is about to be closed. */
void sk_execs_gone(struct sk_sandbox *sandbox);
/* The daemon stops and the guest was closed: owners are told with SK_UNAVAILABLE, the rest is dropped. */
void sk_execs_stop(struct sk_sandbox *sandbox);

#endif
