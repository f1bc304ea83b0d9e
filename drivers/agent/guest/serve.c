#include "drivers/agent/guest/serve.h"

#include "drivers/agent/guest/tree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS_A_TURN 16
#define DEAD_A_TURN     256

/* --- START ---------------------------------------------------------------------------------------- */

/* The descriptors of a START in the order of its flag bits; owned. */
struct start_fds {
    int fd[SK_WIRE_FDS_MAX];
};

static void fds_sort(struct sk_packet *packet, unsigned flags, struct start_fds *fds)
{
    size_t next = 0;
    for (size_t bit = 0; bit < SK_WIRE_FDS_MAX; bit++) {
        bool comes = (flags & (1u << bit)) && next < packet->fd_count;
        fds->fd[bit] = comes ? packet->fds[next] : -1;
        next += comes;
    }
    packet->fd_count = 0;
}

static void fds_close(struct start_fds *fds)
{
    for (size_t i = 0; i < SK_WIRE_FDS_MAX; i++)
        if (fds->fd[i] >= 0)
            (void)close(fds->fd[i]);
}

/* Heap copy of the text, from the packet or from its memfd; NULL without
 * memory or when the memfd is too short. */
static char *text_load(const struct sk_frame *frame, int text_fd)
{
    char *text = malloc(frame->start.text_len);
    size_t at = 0;
    if (!text || frame->start.text) {
        if (text)
            memcpy(text, frame->start.text, frame->start.text_len);
        return text;
    }
    while (at < frame->start.text_len) {
        ssize_t got = pread(text_fd, text + at, frame->start.text_len - at, (off_t)at);
        if (got <= 0) {
            free(text);
            return NULL;
        }
        at += (size_t)got;
    }
    return text;
}

static int start_text(struct sk_serve *serve, const struct sk_frame *frame, const struct start_fds *fds,
                      char *text, pid_t *out_pid, enum sk_stage *out_stage)
{
    struct sk_start_text parts;
    char **slots = malloc(SK_START_TEXT_SLOTS(frame->start.argc, frame->start.envc) * sizeof *slots);
    int sys = ENOMEM;
    *out_stage = SK_STAGE_REQUEST;
    if (slots) {
        sys = EINVAL;
        if (sk_start_text_split(text, frame->start.text_len, frame->start.argc, frame->start.envc, slots,
                                &parts)) {
            struct sk_spawn spawn = {.argv = parts.argv,
                                     .env = parts.env,
                                     .user = parts.user,
                                     .working_dir = parts.working_dir,
                                     .stdio = {fds->fd[0], fds->fd[1], fds->fd[2]}};
            sys = sk_spawn(&serve->spawner, &spawn, out_pid, out_stage);
        }
    }
    free(slots);
    return sys;
}

/* 0, or an errno and *out_stage. */
static int start(struct sk_serve *serve, const struct sk_frame *frame, struct start_fds *fds,
                 enum sk_stage *out_stage)
{
    pid_t pid = 0;
    *out_stage = SK_STAGE_REQUEST;
    struct sk_proc *proc = sk_table_add(&serve->table, frame->key);
    char *text = proc ? text_load(frame, fds->fd[5]) : NULL;
    int sys = text ? start_text(serve, frame, fds, text, &pid, out_stage) : proc ? ENOMEM : EAGAIN;
    free(text);
    if (sys == 0) {
        proc->pid = pid;
        proc->is_main = frame->flags & SK_FRAME_MAIN;
        proc->found_told = true;
        proc->keep_stdout = fds->fd[3];
        proc->keep_stderr = fds->fd[4];
        fds->fd[3] = fds->fd[4] = -1;
    } else if (proc) {
        sk_table_drop(&serve->table, proc);
    }
    return sys;
}

/* False when the daemon itself is at fault. */
static bool on_start(struct sk_serve *serve, const struct sk_frame *frame)
{
    struct start_fds fds;
    bool lost = serve->packet.lost_fds;
    bool fits = lost || serve->packet.fd_count == sk_frame_fd_count(frame);
    enum sk_stage stage = SK_STAGE_REQUEST;
    if (!fits || sk_table_find(&serve->table, frame->key))
        return false;
    fds_sort(&serve->packet, frame->flags, &fds);
    int sys = lost ? EMFILE : start(serve, frame, &fds, &stage);
    fds_close(&fds);
    serve->reply = (struct sk_frame){.type = SK_FRAME_STARTED, .key = frame->key};
    serve->reply.started.sys = (uint32_t)sys;
    serve->reply.started.stage = sys ? stage : SK_STAGE_NONE;
    serve->has_reply = true;
    return true;
}

/* --- the other commands ------------------------------------------------------------------------------ */

static void on_signal(struct sk_serve *serve, const struct sk_frame *frame)
{
    struct sk_proc *proc = sk_table_find(&serve->table, frame->key);
    if (!proc || proc->has_ended)
        return;
    if (frame->flags & SK_FRAME_TREE)
        sk_tree_signal(proc->pid, (int)frame->signal.signo);
    else
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
    if (frame.type == SK_FRAME_SIGNAL)
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

/* --- reports ---------------------------------------------------------------------------------------------
 */

void sk_serve_reset(struct sk_serve *serve)
{
    serve->hello_told = serve->ready_told = serve->has_reply = false;
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
    if (serve->has_reply && !tell(serve, &serve->reply, NULL, 0))
        return false;
    serve->has_reply = false;
    return tell_exits(serve);
}

/* --- processes
 * ---------------------------------------------------------------------------------------------- */

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
