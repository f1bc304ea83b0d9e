#include "core/when.h"

#include <time.h>

void sk_when_print(struct sk_wall at, char out[SK_WHEN_MAX])
{
    time_t seconds = (time_t)(at.ns / 1000000000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) || strftime(out, SK_WHEN_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0'; /* a year of many digits */
}
