/* cni.h: the way out of sandboxes' networks by plugins of CNI (Container
 * Network Interface, version 1.0 of its specification), for nodes where only
 * those may join networks.
 *
 * One network namespace is joined to the node's network by the plugins, once,
 * as a pod would be; sandboxes' own links, addresses and rules are made inside
 * it by drivers/nftables as they would be on the node. So what sandboxes may
 * do is enforced by the same code, whatever the plugins are; to the world they
 * all have the one address that the plugins gave.
 * The node's own addresses are not local in there: a fence (fence.h) keeps
 * them away from sandboxes.
 *
 * Blocks; for start-up and the end. */
#ifndef SK_CNI_CNI_H
#define SK_CNI_CNI_H

#include "base/log.h"
#include "drivers/cni/list.h"
#include "drivers/nftables/nftables.h"

struct sk_cni_options {
    const char *config;                       /* path of a network configuration list */
    const char *plugins;                      /* directory */
    const char *run_dir;                      /* the namespace is pinned there */
    const char *state_dir;                    /* what the plugins said is kept there, as they want it back */
    const char *id;                           /* of the attachment, CNI_CONTAINERID */
    const char *fence;                        /* name of a table of the packet filter (fence.h) */
    const struct sk_nftables_exception *gaps; /* in it */
    size_t gap_count;
};

struct sk_cni_place {
    char netns[160];
    struct sk_cni_addresses addresses; /* that the plugins gave; the first is of IPv4 */
};

/* What an earlier daemon has joined is taken over; what is half made is taken away first. Errors:
 * SK_INVALID_ARGUMENT (the configuration), SK_FAILED_PRECONDITION (a plugin that is not there, or refuses,
 * with its words). */
SK_MUST_CHECK enum sk_code sk_cni_join(const struct sk_cni_options *options, struct sk_cni_place *out_place,
                                       struct sk_err *err);
/* As socket(2), but in the namespace; -1 and errno. By a thread of its own, for which the caller waits. */
int sk_cni_socket(const struct sk_cni_place *place, int family, int type);
/* Absent is success. */
SK_MUST_CHECK enum sk_code sk_cni_leave(const struct sk_cni_options *options, struct sk_err *err);

#endif
