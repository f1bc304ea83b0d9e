/* configuration.c: the faults of the configuration, each a finding of its own. */
#include "doctor/host.h"

#include <stdio.h>
#include <string.h>

#define FAMILY "configuration"

static void tell_faults(struct sk_doctor *d, const struct sk_faults *faults)
{
    const char *text = faults->text.len ? (const char *)faults->text.data : "";
    const char *end = text + faults->text.len;

    while (text < end) {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((line ? line : end) - text);
        if (len)
            sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "fault",
                           "the daemon does not start with it; see man 5 sandkeepd.json", "%.*s", (int)len,
                           text);
        text += len + 1;
    }
}

void sk_doctor_config(struct sk_doctor *d, const struct sk_faults *faults, const struct sk_err *err)
{
    if (d->config && d->config->exposes_keys)
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, "api_keys", "chmod o-r",
                       "%.200s holds keys, and everyone may read it", d->config_path);
    if (d->config)
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "file", NULL, "%.200s: no faults", d->config_path);
    else if (err->code == SK_NOT_FOUND)
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "file", "sandkeepd --print-config makes one",
                       "there is no %.200s: what follows is about the defaults", d->config_path);
    else if (faults->count)
        tell_faults(d, faults);
    else
        sk_finding_add(d->findings, d->is_root ? SK_VERDICT_FAILURE : SK_VERDICT_NOTE, FAMILY, "file",
                       d->is_root ? "look at its mode and its folder" : "run this as root", "%.400s",
                       err->text);
}
