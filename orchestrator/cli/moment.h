/* moment.h: times for people and for programs. Pure. */
#ifndef SK_CLI_MOMENT_H
#define SK_CLI_MOMENT_H

#include "base/clock.h"
#include "base/err.h"

/* From one moment to the other, in seconds; the most or the least there is where no number holds it. */
int64_t sk_seconds_between(int64_t from, int64_t to);
/* "3s", "12m", "5h", "9d"; what lies in the future is "0s". */
void sk_age_print(int64_t seconds, char *out, size_t size);
/* "2026-01-02T03:04:05.006Z"; "" for what no calendar has. */
void sk_moment_print(int64_t seconds, int32_t nanos, char *out, size_t size);

/* "90s", "1h30m", "2d" (units s, m, h, d; each once, big ones first) before `now`; or "2026-01-02",
 * "2026-01-02T03:04:05[.678][Z|+01:00]", UTC unless it says otherwise. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_since_parse(const char *text, struct sk_wall now, struct sk_wall *out_since,
                                          struct sk_err *err);

#endif
