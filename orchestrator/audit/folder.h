/* folder.h: the audit's files: "audit-<seq of the first line, 20 digits>.jsonl",
 * and "head", which says where the chain ends, so that lines cut off at the
 * end are missed.
 *
 * Blocking; any thread. */
#ifndef SK_AUDIT_FOLDER_H
#define SK_AUDIT_FOLDER_H

#include "audit/chain.h"

#define SK_AUDIT_NAME_SIZE  40
#define SK_AUDIT_HEAD       "head"
#define SK_AUDIT_RING       "pending"
#define SK_AUDIT_RING_APART "audit_pending" /* in a folder that is not the audit's */

/* The first lines' numbers of all files there are, ascending; heap. Errors: what the folder says. */
SK_MUST_CHECK enum sk_code sk_audit_list(int folder, uint64_t **out_firsts, size_t *out_count,
                                         struct sk_err *err);
void sk_audit_name(uint64_t first, char out[SK_AUDIT_NAME_SIZE]);

/* seq 0 when there is none, or it is not one. */
struct sk_audit_link sk_audit_head_read(int folder);
SK_MUST_CHECK enum sk_code sk_audit_head_write(int fd, const struct sk_audit_link *link, struct sk_err *err);

/* What is at the end of a file. */
struct sk_audit_end {
    int64_t size;              /* up to the end of the last whole line */
    int64_t torn;              /* bytes behind that */
    struct sk_audit_link last; /* of the last whole line; seq 0: there is none, or it is no line of ours */
    bool has_line;
};
SK_MUST_CHECK enum sk_code sk_audit_end_find(int fd, struct sk_audit_end *out_end, struct sk_err *err);

/* The first line of a file, as sk_audit_line_parse reads it; false when it cannot be had. */
bool sk_audit_first_prev(int folder, uint64_t first, struct sk_audit_link *out_prev);

#endif
