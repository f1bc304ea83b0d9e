/* json_out.h: texts and numbers as JSON has them, for lines that are written often: logs, the audit, traces.
 *
 * Pure. Each appends whole or fails with SK_RESOURCE_EXHAUSTED at the buffer's ceiling; then the buffer may
 * hold a part, which is the caller's to cut off. */
#ifndef SK_BASE_JSON_OUT_H
#define SK_BASE_JSON_OUT_H

#include "base/buf.h"
#include "base/clock.h"

/* "text": quoted; invalid UTF-8 is replaced, and what is longer than `max` bytes is cut and ends with an
 * ellipsis. */
SK_MUST_CHECK enum sk_code sk_json_out_text(struct sk_buf *out, const char *text, size_t max);
/* JSON as it is, but that what must not reach a terminal from within its texts is escaped, and what is not
 * UTF-8 replaced. Lines stay lines. */
SK_MUST_CHECK enum sk_code sk_json_out_disarmed(struct sk_buf *out, const char *json, size_t len);
/* Milliseconds with three decimals, of nanoseconds. */
SK_MUST_CHECK enum sk_code sk_json_out_millis(struct sk_buf *out, int64_t ns);

#define SK_JSON_TIME_SIZE 28
/* 2026-01-02T03:04:05.000006Z */
void sk_json_out_time(struct sk_wall at, char out[SK_JSON_TIME_SIZE]);

#endif
