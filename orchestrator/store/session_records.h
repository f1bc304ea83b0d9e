/* session_records.h: what is remembered of a session across restarts, and its
 * bytes: the message sandkeep.records.v1.SessionRecord.
 *
 * Pure: no I/O. A record owns all its memory through its arena; setters copy. */
#ifndef SK_STORE_SESSION_RECORDS_H
#define SK_STORE_SESSION_RECORDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

/* Numbers are stored: never change them. They only grow. */
enum sk_session_state {
    SK_SESSION_OPEN = 1,
    SK_SESSION_CLOSING = 2, /* its sandboxes are being ended */
    SK_SESSION_CLOSED = 3,  /* all of them have ended */
};

struct sk_session_record {
    struct sk_arena arena;
    const char *id;
    const char *owner;        /* key id of the creator; "" = came without a key */
    const char *tenant;       /* whose it is; never "" */
    const char *request_id;   /* "" = none */
    uint8_t request_hash[32]; /* of the open request's body, for duplicate detection */
    const char *display_name; /* "" = none */
    /* A packed sandkeep.v1.SandboxDefaults. Opaque to everything but the API, which fills in what sandboxes
     * get from it; the two numbers after it are the core's copies. */
    const uint8_t *defaults;
    size_t defaults_len;
    int32_t idle_timeout_seconds; /* of sandboxes that say nothing; 0 = never */
    int32_t max_sandboxes;        /* that may live at once; 0 = no limit */
    int32_t lease_seconds;        /* effective, never 0 */
    int32_t expire_grace_seconds; /* what its sandboxes get when the lease runs out; effective */

    enum sk_session_state state;
    const char *state_reason;       /* one sentence, valid UTF-8, or "" */
    struct sk_wall created, closed; /* 0 = not yet */
    int64_t pruned_sandboxes;       /* whose records are no longer kept */

    /* CLOSING: when the grace ends. The boot-clock value counts while boot_id matches this boot. */
    const char *boot_id;
    struct sk_instant kill_at;
    struct sk_wall kill_at_wall;
};

/* Heap. A fresh record with empty strings in place, OPEN. */
struct sk_session_record *sk_session_record_new(const char *id);
void sk_session_record_free(struct sk_session_record *record); /* NULL is fine */
/* Replaces the reason; cleaned to valid UTF-8 and cut at 512 bytes. */
void sk_session_record_set_reason(struct sk_session_record *record, const char *reason);

/* Appends the packed record to `out` (which sets the ceiling). */
SK_MUST_CHECK enum sk_code sk_session_record_pack(const struct sk_session_record *record, struct sk_buf *out,
                                                  struct sk_err *err);
/* Heap, the caller's. Errors: SK_DATA_LOSS with what is wrong; never trusts the bytes. */
SK_MUST_CHECK enum sk_code sk_session_record_unpack(const uint8_t *data, size_t len,
                                                    struct sk_session_record **out_record,
                                                    struct sk_err *err);

#endif
