/* chain.h: the lines of the audit, each of which holds the SHA-256 of the one
 * before, line end included:
 *
 *   {"seq":12,"prev":"<64 hex digits>","time":…,"event":…,…}
 *
 * So a line cannot be changed, taken out, put in or moved without all that
 * follow it being written anew. The first has seq 1 and a prev of zeros.
 *
 * Pure. */
#ifndef SK_AUDIT_CHAIN_H
#define SK_AUDIT_CHAIN_H

#include "audit/event.h"

#include <stdint.h>

#define SK_AUDIT_HASH_LEN 64
#define SK_AUDIT_LINE_MAX (SK_AUDIT_EVENT_MAX + 256)

/* Where a chain ends: the last line's. */
struct sk_audit_link {
    uint64_t seq; /* 0 = there is no line */
    char hash[SK_AUDIT_HASH_LEN + 1];
};

extern const struct sk_audit_link SK_AUDIT_ORIGIN;

/* Appends the line that follows *link, with `body` (of sk_audit_event_write), and moves *link on to it. */
SK_MUST_CHECK enum sk_code sk_audit_chain_add(struct sk_audit_link *link, const void *body, size_t len,
                                              struct sk_buf *out);

/* What a line says of the chain. False: it is no line of the audit. `len` is without the line end. */
bool sk_audit_line_parse(const char *line, size_t len, struct sk_audit_link *out_prev);
/* Its own hash; with the line end, which must be there. */
void sk_audit_line_hash(const char *line, size_t len, char out[SK_AUDIT_HASH_LEN + 1]);

/* A text of the line by its key, as it stands there (escapes and all), or a number's digits; "" when it has
 * none or it does not fit. `line` ends with a NUL. */
void sk_audit_line_field(const char *line, const char *key, char *out, size_t size);

#endif
