/* clock.c: deadlines, certificates and logs are only as good as the clock. */
#include "doctor/host.h"

#include <inttypes.h>

#define FAMILY "clock"

#define ERROR_MAX_US 1000000

/* 2025-01-01: nobody runs this before it was written. */
#define WRITTEN_S 1735689600

static void look_at_sync(struct sk_doctor *d)
{
    struct sk_doctor_clock clock;
    struct stat stat;
    bool by_systemd = sk_doctor_stat(d, "/run/systemd/timesync/synchronized", &stat);

    if (!d->senses->clock(&clock))
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "synchronized", NULL,
                       "the kernel does not tell");
    else if (!clock.is_synchronized && !by_systemd)
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, "synchronized",
                       "run chrony or systemd-timesyncd (on the host, if this is a container)",
                       "nothing keeps the clock in time");
    else if (clock.is_synchronized && clock.error_us > ERROR_MAX_US)
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, "synchronized", "look at your time servers",
                       "it may be wrong by %" PRId64 " ms", clock.error_us / 1000);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "synchronized", NULL, "yes");
}

void sk_doctor_clock_check(struct sk_doctor *d)
{
    if (d->senses->now_s() < WRITTEN_S)
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "date", "set the clock",
                       "the clock stands before this program was written");
    look_at_sync(d);
}
