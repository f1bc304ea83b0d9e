/* prune.h: old files of the audit, taken away. The chain tells of each before
 * it goes, and with which hash it ended, so that nobody else's taking away
 * looks like it. For writer.c. */
#ifndef SK_AUDIT_PRUNE_H
#define SK_AUDIT_PRUNE_H

#include "audit/writer.h"

/* Those beyond the limits, never the newest; counts what is left. */
SK_MUST_CHECK enum sk_code sk_audit_prune(struct sk_audit_writer *writer, struct sk_err *err);

/* How many files there are, into the writer. */
SK_MUST_CHECK enum sk_code sk_audit_count(struct sk_audit_writer *writer, struct sk_err *err);

#endif
