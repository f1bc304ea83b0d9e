#include "cli/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void sk_age_print(int64_t seconds, char *out, size_t size)
{
    if (seconds < 120)
        (void)snprintf(out, size, "%" PRId64 "s", seconds < 0 ? 0 : seconds);
    else if (seconds < 2 * 3600)
        (void)snprintf(out, size, "%" PRId64 "m", seconds / 60);
    else if (seconds < 2 * 24 * 3600)
        (void)snprintf(out, size, "%" PRId64 "h", seconds / 3600);
    else
        (void)snprintf(out, size, "%" PRId64 "d", seconds / (24 * 3600));
}

void sk_moment_print(int64_t seconds, int32_t nanos, char *out, size_t size)
{
    time_t at = (time_t)seconds;
    struct tm tm;
    char day[32];

    out[0] = 0;
    if (!gmtime_r(&at, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
        return;
    (void)snprintf(out, size, "%s.%03dZ", day, nanos / 1000000);
}
