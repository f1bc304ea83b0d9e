/* main_log.h: the main process's output on its way to the disk: one pipe, moved
 * into the journal as it fills.
 *
 * Too fast a process is held back by its own full pipe. A disk that refuses
 * holds it back for 2 s; from then on output is thrown away, and counted, until
 * the disk takes it again. Threads: loop only. */
#ifndef SK_CORE_MAIN_LOG_H
#define SK_CORE_MAIN_LOG_H

#include "core/allowance.h"
#include "core/main_drain.h"
#include "store/journal.h"

struct sk_sandbox;

struct sk_main_log {
    int fd; /* the pipe's read end; -1 = it has ended, or has yet to come */
    struct sk_watch *watch;
    bool has_file; /* the journal is open */
    bool opening;
    bool moving;
    bool skipping; /* what is moved is thrown away */
    bool halted;   /* nothing is moved any more */
    struct sk_done opened, moved;
    struct sk_done *open_done; /* who waits for `opened`; may be NULL */
    struct sk_journal_filled filled;
    struct sk_timer pause; /* before the next move */
    struct sk_allowance allowance;

    struct sk_instant began;   /* the process; unset = under an earlier daemon */
    struct sk_instant came;    /* the latest bytes */
    struct sk_instant refused; /* since when the disk refuses; unset = it does not */
    uint64_t dropped;          /* since then */
    struct sk_main_drain drain;
};

void sk_main_log_init(struct sk_main_log *log);
/* Opens the journal, ahead of the process. Errors: SK_RESOURCE_EXHAUSTED, SK_INTERNAL: the disk. */
void sk_main_log_open(struct sk_sandbox *sandbox, struct sk_done *done);
/* Takes the read end of a process that begins now. */
void sk_main_log_attach(struct sk_sandbox *sandbox, int fd_take);
/* The same for one that an earlier daemon began (-1 = it has no pipe any more). Opens the journal too; when
 * that cannot be had its output is thrown away. */
void sk_main_log_adopt(struct sk_sandbox *sandbox, int fd_take);
/* Moves what is still in the pipe, see main_drain.h. */
void sk_main_log_drain(struct sk_sandbox *sandbox, struct sk_done *done);
/* The daemon stops: what is in the pipe is the next one's. */
void sk_main_log_halt(struct sk_sandbox *sandbox);
/* Lets go of pipe and journal, at once or when what is under way is over. Harmless twice. */
void sk_main_log_close(struct sk_sandbox *sandbox);

/* The process has ended, seen by all, and what it wrote is in the journal. */
bool sk_main_log_is_over(const struct sk_sandbox *sandbox);
/* When what the process prints first has probably all come; unset = by now. */
struct sk_instant sk_main_log_settles(const struct sk_sandbox *sandbox);

#endif
