#include "core/moment.h"

#include <time.h>

void sk_moment_print(struct sk_wall at, char out[SK_MOMENT_MAX])
{
    time_t seconds = (time_t)(at.ns / 1000000000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) || strftime(out, SK_MOMENT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0'; /* a year of many digits */
}
