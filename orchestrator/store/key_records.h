/* key_records.h: what is remembered of an API key, and its bytes: the message
 * sandkeep.records.v1.KeyRecord. Never the key itself. Pure: no I/O. */
#ifndef SK_STORE_KEY_RECORDS_H
#define SK_STORE_KEY_RECORDS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/key_entry.h"
#include "base/tenant.h"

struct sk_key_record {
    char id[SK_KEY_ID_LEN + 1];
    uint8_t digest[SK_DIGEST_LEN]; /* of the text that clients send */
    char tenant[SK_TENANT_MAX + 1];
    char name[SK_KEY_NAME_MAX + 1]; /* UTF-8; "" = none */
    bool is_admin;
    struct sk_wall created, used, revoked; /* 0 = not yet */
};

/* Appends the packed record to `out` (which sets the ceiling). */
SK_MUST_CHECK enum sk_code sk_key_record_pack(const struct sk_key_record *record, struct sk_buf *out,
                                              struct sk_err *err);
/* Errors: SK_DATA_LOSS with what is wrong; never trusts the bytes. */
SK_MUST_CHECK enum sk_code sk_key_record_unpack(const uint8_t *data, size_t len,
                                                struct sk_key_record *out_record, struct sk_err *err);

#endif
