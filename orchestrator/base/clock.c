#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t which)
{
    struct timespec ts;
    (void)clock_gettime(which, &ts); /* cannot fail: both clocks exist since Linux 2.6.39 */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct sk_instant sk_clock_boot(void)
{
    return (struct sk_instant){read_clock(CLOCK_BOOTTIME)};
}

struct sk_wall sk_clock_wall(void)
{
    return (struct sk_wall){read_clock(CLOCK_REALTIME)};
}
