/* audit.h: who did what: one line for each thing done, in files that are only
 * added to, each line bound to the one before (chain.h). A thread of its own
 * writes them; the loop only puts them into a ring that survives a kill of the
 * daemon (ring.h) and never waits for a disk.
 *
 * What cannot be written, because the disk refuses and the ring is full, is
 * counted, logged, and told by a line "audit.gap" when it works again; an
 * audit that is `required` asks the API to refuse changes before that.
 *
 * A crash of the machine (not of the daemon) can lose what `sync` left to the
 * kernel; the next start tells of it as "audit.lost" where the head knew of
 * it.
 *
 * Threads: loop only; the thread is internal. */
#ifndef SK_AUDIT_AUDIT_H
#define SK_AUDIT_AUDIT_H

#include "audit/event.h"
#include "audit/share.h"
#include "audit/writer.h"
#include "base/log.h"
#include "loop/done.h"

struct sk_audit;

struct sk_audit_options {
    struct sk_loop *loop;     /* borrowed */
    const struct sk_log *log; /* borrowed */
    const char *folder;       /* below a folder that is there */
    struct sk_audit_limits limits;
    bool commands; /* tell the commands that are executed */
    bool reads;    /* tell calls that change nothing and look at no content */
    bool required; /* no change without its line */
};

/* Blocking, for start-up; finishes what a daemon before left. Heap; one owner. */
SK_MUST_CHECK enum sk_code sk_audit_open(const struct sk_audit_options *options, struct sk_audit **out_audit,
                                         struct sk_err *err);
/* Writes what waits, as far as the disk lets it, ends the thread, fires, frees. */
void sk_audit_close(struct sk_audit *audit, struct sk_done *done);

/* Every function below: audit may be NULL, which tells nothing and wants nothing. */

/* Takes over the limits and what is to be told, of which the chain tells ("audit.terms") if it is anything
 * new; the rest of the options counts at the start alone. So what was full takes lines again within seconds.
 */
void sk_audit_configure(struct sk_audit *audit, const struct sk_audit_options *options);

/* The event's texts are copied; its command is left out unless commands are told. How many bytes it takes
 * there, the chain's own not counted. */
size_t sk_audit_write(struct sk_audit *audit, const struct sk_audit_event *event);
bool sk_audit_tells_reads(const struct sk_audit *audit);
bool sk_audit_is_required(const struct sk_audit *audit);
/* A line that was written, to the share of whoever it tells of. */
void sk_audit_charge(struct sk_audit *audit, struct sk_audit_share *share, size_t bytes);
/* Whether another read of theirs may wait: reads take half of the ring at most, and of whoever they tell, no
 * more of that than is left to all others. */
bool sk_audit_has_share(const struct sk_audit *audit, struct sk_audit_share *share);
/* One that may not was done without its line: counted like those for which there was no room. */
void sk_audit_miss(struct sk_audit *audit);
/* False: what changes things must be refused. What `ends` something may go on for longer, as far as its line
 * can still be kept in the ring. */
bool sk_audit_lets_change(const struct sk_audit *audit, bool ends);
/* Whether there is room for what need not be told: it must not take that of ends. */
bool sk_audit_has_room(const struct sk_audit *audit);

struct sk_audit_stats {
    uint64_t lines; /* written by this daemon */
    uint64_t lost;  /* since the ring was begun */
    bool failing;   /* the disk refuses, or it is full and keeps what it has */
    double room;    /* of sk_audit_writer_room */
};
struct sk_audit_stats sk_audit_stats(const struct sk_audit *audit);

#endif
