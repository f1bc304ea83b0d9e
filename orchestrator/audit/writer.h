/* writer.h: what waits in the ring, made lines of the chain and put into the
 * newest file; files begun when one is full, and taken away when there are too
 * many or they are too old. For audit.c, on its thread; opening is for
 * start-up.
 *
 * What a daemon that was killed has left is put right when the writer is
 * opened: half a line is set aside ("torn-…"), what waits in the ring is
 * written, lines that the head knows and the files do not have are told as
 * lost. */
#ifndef SK_AUDIT_WRITER_H
#define SK_AUDIT_WRITER_H

#include "audit/folder.h"
#include "audit/ring.h"

/* When the disk is asked to have it. */
enum sk_audit_sync {
    SK_AUDIT_SYNC_NEVER,  /* as the kernel likes */
    SK_AUDIT_SYNC_SECOND, /* once a second, if there was something */
    SK_AUDIT_SYNC_GROUP,  /* whenever something was written */
};

struct sk_audit_limits {
    enum sk_audit_sync sync;
    int64_t file_bytes; /* then another is begun */
    size_t files;       /* the oldest go; > 0 */
    bool keeps;         /* … not: when they are full, no line is taken */
    int64_t days;       /* since its last line; then it goes; 0 = never */
    /* Where the ring is: on a file system of memory, since the loop writes there and must not wait for a
     * disk; borrowed while it is opened. NULL = with the lines. */
    const char *ring_folder;
};

struct sk_audit_writer {
    struct sk_audit_limits limits;
    struct sk_ring ring;
    int folder, file, head;
    int64_t size;              /* of the file */
    size_t files;              /* there are */
    struct sk_audit_link link; /* the last line */
    struct sk_buf lines, record;
    bool dirty; /* written, and the disk was not asked */
    struct sk_instant synced, pruned;
    uint64_t written; /* lines, by this writer */
};

/* `folder` is made if it is not there. *out_note: what is worth telling although it goes on (code SK_OK:
 * nothing); a disk that refuses to take lines is no error: they wait. Errors: what the folder and files say.
 */
SK_MUST_CHECK enum sk_code sk_audit_writer_open(struct sk_audit_writer *writer, const char *folder,
                                                const struct sk_audit_limits *limits, struct sk_err *out_note,
                                                struct sk_err *err);
/* Lets go of all; zeroed is fine. */
void sk_audit_writer_close(struct sk_audit_writer *writer);

/* Writes some of what waits, and does what is due. On an error nothing is lost but time: call it again. */
SK_MUST_CHECK enum sk_code sk_audit_writer_step(struct sk_audit_writer *writer, struct sk_err *err);
/* Other ones from now on; what they make too many goes with the next step. ring_folder is not looked at. */
void sk_audit_writer_limit(struct sk_audit_writer *writer, const struct sk_audit_limits *limits);
/* How much of what may be kept is still to be filled: 0 to 1; where the oldest go, there is always room: 1.
 */
double sk_audit_writer_room(const struct sk_audit_writer *writer);
bool sk_audit_writer_has_more(const struct sk_audit_writer *writer);
/* A line of the audit's own; `more` is JSON behind the event, beginning with a comma, or "". */
SK_MUST_CHECK enum sk_code sk_audit_writer_say(struct sk_audit_writer *writer, const char *event,
                                               const char *more, struct sk_err *err);
/* Asks the disk now. */
SK_MUST_CHECK enum sk_code sk_audit_writer_sync(struct sk_audit_writer *writer, struct sk_err *err);

#endif
