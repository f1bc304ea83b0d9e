/* exec.h: one process in a running sandbox, with its streams.
 *
 * Output is pulled: on_output gives one chunk for each sk_exec_want(); while
 * nobody wants, the process's pipe fills and the process waits. Order of
 * callbacks: on_started, then on_output any number of times, then on_exit
 * once, after every byte of output. Background children that hold a pipe
 * delay on_exit by at most 200 ms of silence.
 *
 * Threads: loop only; callbacks never run inside a call. */
#ifndef SK_CORE_EXEC_H
#define SK_CORE_EXEC_H

#include "core/sandbox.h"

struct sk_exec;

enum sk_stream { SK_STDOUT = 1, SK_STDERR = 2 };

struct sk_exec_events {
    /* The process runs and its stdin pipe exists. */
    void (*on_started)(void *arg);
    /* One chunk; at most SK_PUMP_CHUNK bytes; never splits a UTF-8 sequence
     * except at the end of stream or for bytes that are not UTF-8. */
    void (*on_output)(void *arg, enum sk_stream stream, uint8_t *data_take, size_t len); /* free() it */
    /* It has ended and all output was delivered. 127/126: the program was not
     * found / not executable (on_started and one line on SK_STDERR come before). */
    void (*on_exit)(void *arg, int status);
    /* It cannot be started, or its sandbox went away: the last callback.
     * SK_FAILED_PRECONDITION + SANDBOX_NOT_RUNNING, SK_INVALID_ARGUMENT, SK_UNAVAILABLE,
     * SK_RESOURCE_EXHAUSTED. */
    void (*on_error)(void *arg, const struct sk_err *err);
    /* stdin has room for the next sk_exec_write. Also comes, in the next turn, for bytes that were discarded
     * because stdin is closed or broken. */
    void (*on_stdin_room)(void *arg);
};

struct sk_exec_request {
    const char *const *argv;  /* NULL-terminated, not empty; copied */
    const struct sk_env *env; /* added to the sandbox's; copied */
    size_t env_count;
    bool is_stream; /* for the count alone: its output is sent as it comes */
    bool has_stdin; /* a pipe, else /dev/null */
    /* A terminal instead of the pipes: all output is SK_STDOUT, closing stdin
     * queues an end-of-file character behind what was written, and letting go hangs up before it kills. */
    bool on_terminal;
    uint16_t columns, rows; /* of the terminal; 0 = 80 x 24 */
};

/* Starts now, or when a sandbox that is being created reaches RUNNING. Takes
 * a reference to the sandbox. The exec is the caller's until sk_exec_close. */
struct sk_exec *sk_exec_open(struct sk_sandbox *sandbox, const struct sk_exec_request *request,
                             const struct sk_exec_events *events, void *arg);
/* Asks for one more on_output (or for what comes after the last one). */
void sk_exec_want(struct sk_exec *exec);
/* One write at a time, and on a terminal none before on_started; on_stdin_room
 * follows. Bytes for a closed stdin are discarded. */
void sk_exec_write(struct sk_exec *exec, const uint8_t *data, size_t len);
void sk_exec_close_stdin(struct sk_exec *exec);
/* A new size for its terminal, delivered as SIGWINCH; 0 = as it is. Nothing without a terminal. */
void sk_exec_resize(struct sk_exec *exec, uint16_t columns, uint16_t rows);
/* Lets go. If the process has not ended, it and everything started in it is
 * killed (SIGKILL; on a terminal after a hang-up and a moment), in the
 * background. No callback afterwards. NULL is fine. */
void sk_exec_close(struct sk_exec *exec);

#endif
