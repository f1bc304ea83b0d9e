/* memory.c: memory and swap, and whether the kernel keeps its word about them. */
#include "doctor/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FAMILY "memory"

/* "MemTotal:  123 kB" */
static bool find_kib(const char *text, const char *name, int64_t *out)
{
    const char *at = strstr(text, name);

    return at && sscanf(at + strlen(name), ": %" SCNd64, out) == 1;
}

static void look_at_room(struct sk_doctor *d, const char *text)
{
    int64_t total = 0;
    int64_t available = 0;

    if (!find_kib(text, "MemTotal", &total) || !find_kib(text, "MemAvailable", &available) || total <= 0) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "available", NULL,
                       "/proc/meminfo does not tell");
        return;
    }
    bool is_low = available < total / 10;
    sk_finding_add(d->findings, is_low ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, "available",
                   is_low ? "stop something, or set capacity_memory lower" : NULL,
                   "%" PRId64 " MiB of %" PRId64, available / 1024, total / 1024);
}

static void look_at_swap(struct sk_doctor *d, const char *text)
{
    int64_t swap = 0;

    if (find_kib(text, "SwapTotal", &swap) && swap > 0)
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "swap",
                       "swapoff -a, if sandboxes are to be as quick as their limits say", "%" PRId64 " MiB",
                       swap / 1024);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "swap", NULL, "none");
}

static void look_at_overcommit(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];

    if (sk_doctor_read(d, "/proc/sys/vm/overcommit_memory", text) && text[0] == '2')
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, "overcommit", "sysctl vm.overcommit_memory=0",
                       "the kernel refuses memory early (vm.overcommit_memory=2): programs in sandboxes fail "
                       "below their limits");
}

void sk_doctor_memory(struct sk_doctor *d)
{
    char text[SK_DOCTOR_TEXT];

    (void)sk_doctor_read(d, "/proc/meminfo", text);
    look_at_room(d, text);
    look_at_swap(d, text);
    look_at_overcommit(d);
}
