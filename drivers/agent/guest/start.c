#include "drivers/agent/guest/start.h"

#include "drivers/agent/guest/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Images, and those who use them, name directories that nobody made: other runtimes make them for the first
 * process. */
static int directory_make(const char *path, enum sk_stage *out_stage)
{
    int sys = path[0] ? sk_path_make(path) : 0;
    if (sys)
        *out_stage = SK_STAGE_DIRECTORY;
    return sys;
}

static int start_text(struct sk_spawner *spawner, const struct sk_frame *frame, const struct start_fds *fds,
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
                                     .stdio = {fds->fd[0], fds->fd[1], fds->fd[2]},
                                     .on_terminal = frame->flags & SK_FRAME_TERMINAL};
            sys = frame->flags & SK_FRAME_MAIN ? directory_make(parts.working_dir, out_stage) : 0;
            if (!sys)
                sys = sk_spawn(spawner, &spawn, out_pid, out_stage);
        }
    }
    free(slots);
    return sys;
}

/* 0, or an errno and *out_stage. */
static int start(struct sk_table *table, struct sk_spawner *spawner, const struct sk_frame *frame,
                 struct start_fds *fds, enum sk_stage *out_stage)
{
    pid_t pid = 0;
    *out_stage = SK_STAGE_REQUEST;
    struct sk_proc *proc = sk_table_add(table, frame->key);
    char *text = proc ? text_load(frame, fds->fd[5]) : NULL;
    int sys = text ? start_text(spawner, frame, fds, text, &pid, out_stage) : proc ? ENOMEM : EAGAIN;
    free(text);
    if (sys == 0) {
        proc->pid = pid;
        proc->is_main = frame->flags & SK_FRAME_MAIN;
        proc->found_told = true;
        proc->keep_stdout = fds->fd[3];
        proc->keep_stderr = fds->fd[4];
        fds->fd[3] = fds->fd[4] = -1;
    } else if (proc) {
        sk_table_drop(table, proc);
    }
    return sys;
}

int sk_start(struct sk_table *table, struct sk_spawner *spawner, const struct sk_frame *frame,
             struct sk_packet *packet, enum sk_stage *out_stage)
{
    struct start_fds fds;
    bool lost = packet->lost_fds;
    *out_stage = SK_STAGE_REQUEST;
    fds_sort(packet, frame->flags, &fds);
    int sys = lost ? EMFILE : start(table, spawner, frame, &fds, out_stage);
    fds_close(&fds);
    return sys;
}
