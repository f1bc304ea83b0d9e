/* verify.h: reads all files of an audit and finds the first place where the
 * chain is not what was written: a line changed, taken out, put in, moved or
 * cut off. Files can be those of a daemon that runs.
 *
 * Blocking; any thread. */
#ifndef SK_AUDIT_VERIFY_H
#define SK_AUDIT_VERIFY_H

#include "audit/folder.h"

struct sk_audit_report {
    size_t files;
    uint64_t lines, first, last; /* numbers of the first and last line; 0 = there is none */
    uint64_t lost;               /* events the daemon could not write, as the chain tells */
    uint64_t missing;            /* times that the daemon, when it started, missed lines at the end */
    uint64_t torn;               /* times that it was killed within a line */
    uint64_t removed;            /* files that it took away since the first line there is */
    bool is_open_ended; /* the newest file ends within a line: it is being written, or was when all stopped */

    bool broken; /* then: */
    char file[SK_AUDIT_NAME_SIZE];
    uint64_t line;  /* of that file, from 1; 0 = none in particular */
    char what[256]; /* a sentence */
};

/* Errors: what the folder and files say; none of them is about what they hold. */
SK_MUST_CHECK enum sk_code sk_audit_verify(const char *folder, struct sk_audit_report *out_report,
                                           struct sk_err *err);

/* Calls `each` for every whole line (a NUL in place of its end), oldest first, without looking at the chain;
 * until it returns false. */
SK_MUST_CHECK enum sk_code sk_audit_each(const char *folder, bool (*each)(void *arg, const char *line),
                                         void *arg, struct sk_err *err);

#endif
