/* names.h: the contract of the driver that answers what sandboxes ask of names
 * (DNS). It asks others, checks what they say, and says nothing that the
 * listener has not agreed to: who may ask is decided before anybody is asked,
 * and addresses of granted names are open before they are told.
 *
 * Threads: loop only. */
#ifndef SK_DRIVERS_NAMES_H
#define SK_DRIVERS_NAMES_H

#include "drivers/network.h"

enum sk_name_leave {
    SK_NAME_IGNORED, /* not one of ours: no answer at all */
    SK_NAME_REFUSED, /* answered NXDOMAIN: clients ask nobody else, and not again */
    SK_NAME_ANSWERED,
    SK_NAME_GRANTED, /* answered when on_granted agrees */
};

struct sk_names_events {
    /* Whether whoever has that address may ask for that name (normalised, net/domain.h; "" = the root). */
    enum sk_name_leave (*may_ask)(void *arg, const struct sk_ip *asker, const char *name);
    /* What a granted name stands for; borrowed until done fires. The answer is sent when it fires without
     * error, else SERVFAIL. The asker may have gone, or changed its rules, since it asked: that is an error.
     */
    void (*on_granted)(void *arg, const struct sk_ip *asker, const char *name,
                       const struct sk_network_grant *grants, size_t count, struct sk_done *done);
    /* Something was not answered as asked; why: "refused", "rate", "private", "upstream"; static. name may be
     * "". */
    void (*on_denied)(void *arg, const struct sk_ip *asker, const char *name, const char *why);
};

struct sk_names;

struct sk_names_ops {
    /* Nothing is answered before; NULL: nothing from now on (on_granted calls under way still end). */
    void (*listen)(struct sk_names *names, const struct sk_names_events *events, void *arg);
};

struct sk_names {
    const struct sk_names_ops *ops;
};

#endif
