/* drain_record.h: that the node is drained, as it is remembered across restarts, and its bytes: the message
 * sandkeep.records.v1.DrainRecord. Pure. */
#ifndef SK_STORE_DRAIN_RECORD_H
#define SK_STORE_DRAIN_RECORD_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

#define SK_DRAIN_BOOT_ID_SIZE 40

struct sk_drain_record {
    struct sk_wall began;
    struct sk_wall deadline;             /* of the streams under way, where the machine was started anew */
    struct sk_instant until;             /* the same, of this boot */
    char boot_id[SK_DRAIN_BOOT_ID_SIZE]; /* "" = unknown */
    bool stops;                          /* sandboxes are ended, too */
};

/* Appends to `out` (which sets the ceiling). */
SK_MUST_CHECK enum sk_code sk_drain_record_pack(const struct sk_drain_record *record, struct sk_buf *out,
                                                struct sk_err *err);
/* Errors: SK_DATA_LOSS with what is wrong; never trusts the bytes. */
SK_MUST_CHECK enum sk_code sk_drain_record_unpack(const uint8_t *data, size_t len,
                                                  struct sk_drain_record *out_record, struct sk_err *err);

#endif
