/* upstreams.h: the resolvers that are asked, in the order given; one that has
 * not answered for a while is asked last. They come from the options, or from
 * the machine's own resolv.conf, which is read again when it changes. */
#ifndef SK_DNS_UPSTREAMS_H
#define SK_DNS_UPSTREAMS_H

#include "base/log.h"
#include "drivers/dns/dns.h"
#include "drivers/dns/peer.h"

#include <sys/stat.h>

struct sk_dns_upstream {
    struct sk_dns_peer peer;
    unsigned misses; /* one after another */
    struct sk_instant rests_until;
};

/* Zeroed: there is none. */
struct sk_dns_upstreams {
    const struct sk_log *log;
    struct sk_dns_upstream all[SK_DNS_UPSTREAMS_MAX];
    size_t count;
    char *path; /* of resolv.conf; owned; NULL: they do not change */
    struct timespec changed;
    ino_t inode;
    off_t size;
    struct sk_instant look_at;
};

/* Errors: SK_INVALID_ARGUMENT (an address), SK_RESOURCE_EXHAUSTED (too many). An unreadable resolv.conf is
 * none: it is looked at again. */
SK_MUST_CHECK enum sk_code sk_dns_upstreams_init(struct sk_dns_upstreams *upstreams,
                                                 const struct sk_dns_options *options,
                                                 const struct sk_log *log, struct sk_err *err);
void sk_dns_upstreams_fini(struct sk_dns_upstreams *upstreams);

/* The best of those that have no bit in *tried, and sets it; false: none is left. */
bool sk_dns_upstreams_pick(struct sk_dns_upstreams *upstreams, struct sk_instant now, unsigned *tried,
                           struct sk_dns_peer *out_peer);
/* It answered, or did not. */
void sk_dns_upstreams_note(struct sk_dns_upstreams *upstreams, const struct sk_dns_peer *peer,
                           struct sk_instant now, bool answered);

#endif
