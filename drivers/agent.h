/* agent.h: the contract of agent drivers: the program that is PID 1 inside a
 * sandbox and starts, signals and reaps processes there.
 *
 * What is on the far side belongs to the sandbox's user: a driver checks all
 * it says; a guest that breaks the protocol is cut off (lost), and nothing
 * else suffers.
 *
 * Threads: loop only. `done`s and events fire on the loop, never inside a
 * call. Strings and arrays in arguments are borrowed for the call alone. */
#ifndef SK_DRIVERS_AGENT_H
#define SK_DRIVERS_AGENT_H

#include "drivers/litter.h"
#include "loop/done.h"

/* One process to start. */
struct sk_process {
    uint64_t key;            /* chosen by the caller, unique in the sandbox, never 0 */
    bool is_main;            /* the guest ends the sandbox when told to, not by itself */
    const char *const *argv; /* NULL-terminated, at least one; argv[0] is searched on PATH of env */
    const char *const *env;  /* NULL-terminated "K=V" */
    const char *working_dir; /* "" = / */
    const char *user;        /* as in image configs: "", "name", "uid", "uid:gid", "name:group" */
    /* The process's ends; consumed on success and failure; -1 = /dev/null. */
    int stdin_take, stdout_take, stderr_take;
    /* stdin_take is a terminal from open_terminal, and serves for all three;
     * the other descriptors are -1. The process leads a session of its own. */
    bool on_terminal;
    /* Read ends that the guest keeps open beside the daemon's own, so that a
     * restart of the daemon loses no byte; consumed; -1 = none. */
    int stdout_keep_take, stderr_keep_take;
};

/* For drivers: closes all that the process would have consumed. */
static inline void sk_process_close(const struct sk_process *process)
{
    int fds[] = {process->stdin_take, process->stdout_take, process->stderr_take, process->stdout_keep_take,
                 process->stderr_keep_take};
    for (size_t i = 0; i < sk_array_len(fds); i++)
        sk_close_fd(&fds[i]);
}

/* Exit statuses: 0-255, 128+N for signal N. */
struct sk_guest_events {
    /* A process ended and was reaped. Comes exactly once per started key,
     * possibly after a reconnection, never before start() has answered. */
    void (*on_exit)(void *arg, uint64_t key, int status);
    /* After a reconnection: a process that was started before. The kept read
     * ends are handed over (-1 = none), checked to be pipes and re-opened. Its on_exit follows if it has
     * ended. */
    void (*on_found)(void *arg, uint64_t key, bool is_main, int stdout_take, int stderr_take);
    /* The channel broke, for good (protocol fault, init gone). After this
     * no event comes; calls under way have answered with SK_UNAVAILABLE. */
    void (*on_lost)(void *arg, const struct sk_err *err);
};

/* One file of the sandbox, as its user sees it. */
struct sk_file_ask {
    const char *path;        /* absolute, or relative to working_dir; not empty */
    const char *working_dir; /* "" = / */
    const char *user;        /* as in struct sk_process: whose rights count, who owns what is made */
};

/* One file that a sandbox is to find in place. */
struct sk_guest_file {
    const void *data;
    size_t len;
};

struct sk_agent;
struct sk_guest; /* one sandbox's guest, from open to close */

struct sk_agent_ops {
    /* Makes the host side for sandbox `id` (directory, socket); also called
     * for a sandbox that is adopted after a restart. *out_guest is valid on SK_OK. */
    SK_MUST_CHECK enum sk_code (*open)(struct sk_agent *agent, const char *id,
                                       const struct sk_guest_events *events, void *arg,
                                       struct sk_guest **out_guest, struct sk_err *err);
    /* Host directory to show the sandbox (struct sk_box.agent_dir); borrowed from the guest. */
    const char *(*dir)(struct sk_guest *guest);
    /* Writes `count` files below that directory, as files/0, files/1 and so on, for every user to read and
     * execute, replacing what is there. They go with the directory. Before the guest has come, and not closed
     * before it has answered. Data is borrowed until done fires; it cannot be cancelled. Errors:
     * SK_RESOURCE_EXHAUSTED, SK_INTERNAL. */
    void (*put_files)(struct sk_guest *guest, const struct sk_guest_file *files, size_t count,
                      struct sk_done *done);
    /* Waits until the guest whose host pid is `pid` has connected and said
     * hello. After a reconnection every on_found has fired before. No time
     * limit of its own: cancel it. */
    void (*await)(struct sk_guest *guest, int pid, struct sk_done *done);
    /* Starts a process; done fires once it runs (its program has been
     * executed) or could not. Errors: SK_NOT_FOUND (no such program),
     * SK_PERMISSION_DENIED (not executable), SK_INVALID_ARGUMENT (no such user, arguments too long),
     * SK_FAILED_PRECONDITION (the working directory cannot be entered),
     * SK_RESOURCE_EXHAUSTED (no pids or memory), SK_UNAVAILABLE (channel gone). */
    void (*start)(struct sk_guest *guest, const struct sk_process *process, struct sk_done *done);
    /* Fire and forget. `tree`: the session and every descendant that can be
     * found, until the release also what an ended process left behind; else the process alone. Unknown
     * key: nothing. */
    void (*signal)(struct sk_guest *guest, uint64_t key, int signo, bool tree);
    /* Forgets an ended process and drops the read ends kept for it; after
     * this a restart will not find it. */
    void (*release)(struct sk_guest *guest, uint64_t key);
    /* A regular file, for reading: resolved inside the sandbox's root alone.
     * What comes back was checked to be a regular file of an ordinary file
     * system or a sealed memory file, so reading it ends (a pool thread's work all the same). Errors:
     * SK_NOT_FOUND + FILE_NOT_FOUND, SK_FAILED_PRECONDITION + FILE_IS_DIRECTORY, SK_PERMISSION_DENIED +
     * FILE_PERMISSION_DENIED, SK_INVALID_ARGUMENT (path too long, or not a file that can be copied),
     * SK_RESOURCE_EXHAUSTED, SK_INTERNAL + FILE_IO_FAILED (the rest), SK_UNAVAILABLE (channel gone). *out_fd
     * is the caller's. */
    void (*open_read)(struct sk_guest *guest, const struct sk_file_ask *ask, int *out_fd,
                      struct sk_done *done);
    /* A new file that takes the path's place at commit; missing directories
     * are made now. `key` is the caller's, never 0, unique among the guest's open writes. Every
     * open_write that succeeded ends with commit or abandon. Errors as above. */
    void (*open_write)(struct sk_guest *guest, uint64_t key, const struct sk_file_ask *ask, int *out_fd,
                       struct sk_done *done);
    /* Close the descriptor first. Ends the write: after an error nothing is left
     * and the path is as it was; one that is cancelled may have happened. */
    void (*commit)(struct sk_guest *guest, uint64_t key, struct sk_done *done);
    /* Fire and forget. Unknown key, or one that was committed: nothing. */
    /* A key that is not open: nothing. */
    void (*abandon)(struct sk_guest *guest, uint64_t key);
    /* A new pseudo-terminal of the sandbox's own devpts. The master is the
     * daemon's alone (never shared, so its flags can be trusted), non-blocking; the slave is for
     * sk_process.stdin_take. Both are the caller's. Errors: SK_RESOURCE_EXHAUSTED, SK_UNAVAILABLE,
     * SK_FAILED_PRECONDITION (the sandbox has no devpts). */
    void (*open_terminal)(struct sk_guest *guest, int *out_master, int *out_slave, struct sk_done *done);
    /* The host sides on the disk, of guests that are open and of others (litter.h), and the end of one of
     * those others. Absent is success. */
    void (*list_litter)(struct sk_agent *agent, struct sk_litter_list *out_list, struct sk_done *done);
    void (*remove_litter)(struct sk_agent *agent, const struct sk_litter *litter, struct sk_done *done);
    /* Ends the host side and frees the guest. remove: also takes directory
     * and socket away (sandbox gone); else they stay for the next daemon.
     * No event or done comes afterwards: a done that is still out is the
     * caller's again, and must not be cancelled. */
    void (*close)(struct sk_guest *guest, bool remove);
};

struct sk_agent {
    const struct sk_agent_ops *ops;
};

#endif
