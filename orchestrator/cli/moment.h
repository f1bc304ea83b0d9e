/* moment.h: times for people and for programs. Pure. */
#ifndef SK_CLI_MOMENT_H
#define SK_CLI_MOMENT_H

#include <stddef.h>
#include <stdint.h>

/* "3s", "12m", "5h", "9d"; what lies in the future is "0s". */
void sk_age_print(int64_t seconds, char *out, size_t size);
/* "2026-01-02T03:04:05.006Z"; "" for what no calendar has. */
void sk_moment_print(int64_t seconds, int32_t nanos, char *out, size_t size);

#endif
