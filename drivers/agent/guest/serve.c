#include "drivers/agent/guest/serve.h"

#include "drivers/agent/guest/start.h"
#include "drivers/agent/guest/tree.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS_A_TURN 16
#define DEAD_A_TURN     256

/* --- START and OPEN ------------------------------------------------------------------------------- */

/* False when the daemon itself is at fault. */
static bool on_start(struct sk_serve *serve, const struct sk_frame *frame)
{
    enum sk_stage stage = SK_STAGE_REQUEST;
    bool fits = serve->packet.lost_fds || serve->packet.fd_count == sk_frame_fd_count(frame);
    if (!fits || sk_table_find(&serve->table, frame->key))
        return false;
    int sys = sk_start(&serve->table, &serve->spawner, frame, &serve->packet, &stage);
    serve->reply = (struct sk_frame){.type = SK_FRAME_STARTED, .key = frame->key};
    serve->reply.started.sys = (uint32_t)sys;
    serve->reply.started.stage = sys ? stage : SK_STAGE_NONE;
    serve->has_reply = true;
    return true;
}

/* As on_start. */
static bool on_open(struct sk_serve *serve, const struct sk_frame *frame)
{
    struct sk_open_text text;
    int fd = -1;
    if (!sk_open_text_split((const char *)frame->open.text, frame->open.text_len, &text))
        return false;
    if (frame->open.kind == SK_OPEN_WRITE && sk_files_has(&serve->files, frame->key))
        return false;
    int sys = sk_files_open(&serve->files, frame->key, frame->open.kind, &text, &fd);
    serve->reply = (struct sk_frame){.type = SK_FRAME_OPENED,
                                     .key = frame->key,
                                     .flags = sys ? 0 : SK_FRAME_FD_FILE,
                                     .opened.sys = (uint32_t)sys};
    serve->reply_fd = fd;
    serve->has_reply = true;
    return true;
}

static void on_commit(struct sk_serve *serve, const struct sk_frame *frame)
{
    serve->reply = (struct sk_frame){.type = SK_FRAME_COMMITTED, .key = frame->key};
    serve->reply.committed.sys = (uint32_t)sk_files_commit(&serve->files, frame->key);
    serve->has_reply = true;
}

/* --- the other commands ------------------------------------------------------------------------------ */

static void on_signal(struct sk_serve *serve, const struct sk_frame *frame)
{
    struct sk_proc *proc = sk_table_find(&serve->table, frame->key);
    bool tree = frame->flags & SK_FRAME_TREE;
    if (!proc)
        return;
    if (tree && proc->has_ended)
        sk_tree_signal_left(proc->pid, (int)frame->signal.signo);
    else if (tree)
        sk_tree_signal(proc->pid, (int)frame->signal.signo);
    else if (!proc->has_ended)
        (void)kill(proc->pid, (int)frame->signal.signo);
}

static void on_release(struct sk_serve *serve, const struct sk_frame *frame)
{
    struct sk_proc *proc = sk_table_find(&serve->table, frame->key);
    if (!proc || !proc->has_ended)
        return;
    serve->untold -= !proc->exit_told;
    sk_table_drop(&serve->table, proc);
}

static bool on_packet(struct sk_serve *serve)
{
    struct sk_frame frame;
    if (!sk_frame_decode(SK_FRAME_FROM_DAEMON, serve->packet.data, serve->packet.len, &frame))
        return false;
    if (frame.type == SK_FRAME_START)
        return on_start(serve, &frame);
    if (serve->packet.fd_count > 0)
        return false;
    if (frame.type == SK_FRAME_OPEN)
        return on_open(serve, &frame);
    if (frame.type == SK_FRAME_COMMIT)
        on_commit(serve, &frame);
    else if (frame.type == SK_FRAME_ABANDON)
        sk_files_abandon(&serve->files, frame.key);
    else if (frame.type == SK_FRAME_SIGNAL)
        on_signal(serve, &frame);
    else
        on_release(serve, &frame);
    return true;
}

void sk_serve_commands(struct sk_serve *serve)
{
    for (int i = 0; i < COMMANDS_A_TURN && serve->link.fd >= 0 && sk_serve_report(serve); i++) {
        enum sk_link_result result = sk_link_receive(&serve->link, &serve->packet);
        if (result == SK_LINK_LATER)
            return;
        bool fine = result == SK_LINK_DONE && on_packet(serve);
        sk_packet_close(&serve->packet);
        if (!fine)
            sk_link_drop(&serve->link);
    }
}

/* --- reports ---------------------------------------------------------------------------------------- */

static void reply_close(struct sk_serve *serve)
{
    if (serve->has_reply && serve->reply_fd >= 0)
        (void)close(serve->reply_fd);
    serve->reply_fd = -1;
    serve->has_reply = false;
}

void sk_serve_lost(struct sk_serve *serve)
{
    reply_close(serve);
    sk_files_abandon_all(&serve->files);
}

void sk_serve_reset(struct sk_serve *serve)
{
    serve->hello_told = serve->ready_told = false;
    serve->untold = 0;
    for (size_t i = 0; i < serve->table.len; i++) {
        struct sk_proc *proc = &serve->table.procs[i];
        proc->found_told = proc->exit_told = false;
        serve->untold += proc->has_ended;
    }
}

/* Sends one frame; true when it went. A broken link is dropped. */
static bool tell(struct sk_serve *serve, const struct sk_frame *frame, const int *fds, size_t fd_count)
{
    if (serve->link.fd < 0)
        return false;
    enum sk_link_result result = sk_link_send(&serve->link, frame, fds, fd_count);
    if (result == SK_LINK_BROKEN)
        sk_link_drop(&serve->link);
    return result == SK_LINK_DONE;
}

static bool tell_found(struct sk_serve *serve, const struct sk_proc *proc)
{
    struct sk_frame frame = {.type = SK_FRAME_FOUND, .key = proc->key};
    int fds[2];
    size_t count = 0;
    if (proc->is_main)
        frame.flags |= SK_FRAME_MAIN;
    if (proc->keep_stdout >= 0) {
        frame.flags |= SK_FRAME_FD_KEEP_STDOUT;
        fds[count++] = proc->keep_stdout;
    }
    if (proc->keep_stderr >= 0) {
        frame.flags |= SK_FRAME_FD_KEEP_STDERR;
        fds[count++] = proc->keep_stderr;
    }
    return tell(serve, &frame, fds, count);
}

/* HELLO, what lives, READY. */
static bool tell_greeting(struct sk_serve *serve)
{
    struct sk_frame hello = {.type = SK_FRAME_HELLO}, ready = {.type = SK_FRAME_READY};
    if (!serve->hello_told && !tell(serve, &hello, NULL, 0))
        return false;
    serve->hello_told = true;
    for (size_t i = 0; !serve->ready_told && i < serve->table.len; i++) {
        struct sk_proc *proc = &serve->table.procs[i];
        if (!proc->found_told && !tell_found(serve, proc))
            return false;
        proc->found_told = true;
    }
    if (!serve->ready_told && !tell(serve, &ready, NULL, 0))
        return false;
    serve->ready_told = true;
    return true;
}

static bool tell_exits(struct sk_serve *serve)
{
    for (size_t i = 0; serve->untold > 0 && i < serve->table.len; i++) {
        struct sk_proc *proc = &serve->table.procs[i];
        struct sk_frame frame = {.type = SK_FRAME_EXITED, .key = proc->key};
        frame.exited.status = proc->status;
        if (!proc->has_ended || proc->exit_told)
            continue;
        if (!tell(serve, &frame, NULL, 0))
            return false;
        proc->exit_told = true;
        serve->untold--;
    }
    return true;
}

bool sk_serve_report(struct sk_serve *serve)
{
    if (!tell_greeting(serve))
        return false;
    if (serve->has_reply && !tell(serve, &serve->reply, &serve->reply_fd, serve->reply_fd >= 0))
        return false;
    reply_close(serve);
    return tell_exits(serve);
}

/* --- processes -------------------------------------------------------------------------------------- */

static void on_end(struct sk_serve *serve, pid_t pid, int wait_status)
{
    struct sk_proc *proc = sk_table_find_pid(&serve->table, pid);
    if (!proc) /* an orphan, or a child that never became its program */
        return;
    proc->status =
        (uint8_t)(WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    proc->has_ended = true;
    serve->untold++;
}

bool sk_serve_reap(struct sk_serve *serve)
{
    for (int i = 0; i < DEAD_A_TURN; i++) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid <= 0)
            return false;
        on_end(serve, pid, status);
    }
    return true;
}

void sk_serve_forward(struct sk_serve *serve, int signo)
{
    struct sk_proc *proc = sk_table_find_main(&serve->table);
    if (proc && signo != SIGCHLD && signo != SIGPIPE && signo != SIGTSTP && signo != SIGTTIN &&
        signo != SIGTTOU)
        (void)kill(proc->pid, signo);
}
