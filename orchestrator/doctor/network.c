/* network.c: what sandboxes' networks are made of. */
#include "doctor/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY "network"

static void look_at_haproxy(struct sk_doctor *d)
{
    char text[4096];
    struct sk_version version;

    if (!sk_doctor_ask(d, "haproxy", "-v", text, sizeof(text)) || !sk_version_find(text, &version)) {
        sk_finding_add(
            d->findings, SK_VERDICT_WARNING, FAMILY, "haproxy", "install haproxy",
            "not found: sandboxes have no services, and rules with names cannot be enforced for HTTPS");
        return;
    }
    text[strcspn(text, "\n")] = '\0';
    static const struct sk_version oldest = {{2, 6, 0}};
    bool is_old = sk_version_compare(version, oldest) < 0;
    sk_finding_add(d->findings, is_old ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, "haproxy",
                   is_old ? "use 2.6 or newer" : NULL, "%.80s", text);
}

static bool read_number(struct sk_doctor *d, const char *path, int64_t *out)
{
    char text[SK_DOCTOR_TEXT];

    return sk_doctor_read(d, path, text) && sscanf(text, "%" SCNd64, out) == 1;
}

static void look_at_forwarding(struct sk_doctor *d)
{
    int64_t on = 0;

    if (!read_number(d, "/proc/sys/net/ipv4/ip_forward", &on))
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "forwarding", "mount /proc",
                       "net.ipv4.ip_forward cannot be read");
    else
        sk_finding_add(d->findings, on ? SK_VERDICT_OK : SK_VERDICT_NOTE, FAMILY, "forwarding", NULL,
                       on ? "on" : "off; the daemon turns it on");
}

static void look_at_conntrack(struct sk_doctor *d)
{
    int64_t count = 0;
    int64_t max = 0;

    if (!read_number(d, "/proc/sys/net/netfilter/nf_conntrack_max", &max) ||
        !read_number(d, "/proc/sys/net/netfilter/nf_conntrack_count", &count)) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "conntrack", NULL,
                       "not loaded; it is with the first rules");
        return;
    }
    bool is_full = max > 0 && count > max / 5 * 4;
    sk_finding_add(d->findings, is_full ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, "conntrack",
                   is_full ? "raise net.netfilter.nf_conntrack_max: beyond it new connections are dropped"
                           : NULL,
                   "%" PRId64 " of %" PRId64 " connections", count, max);
}

static void look_at_nft(struct sk_doctor *d)
{
    char text[4096];
    bool found = sk_doctor_ask(d, "nft", "--version", text, sizeof(text));

    text[strcspn(text, "\n")] = '\0';
    sk_finding_add(d->findings, found ? SK_VERDICT_OK : SK_VERDICT_NOTE, FAMILY, "nft",
                   found ? NULL : "install nftables",
                   found ? "%.80s" : "%.0snot found: the daemon does without, people do not", text);
}

void sk_doctor_network(struct sk_doctor *d)
{
    if (d->config && strcmp(d->config->drivers, "fake") == 0)
        return;
    look_at_forwarding(d);
    look_at_conntrack(d);
    look_at_nft(d);
    look_at_haproxy(d);
}
