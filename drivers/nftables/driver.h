/* driver.h: what the driver is made of. Private to drivers/nftables/. */
#ifndef SK_NFTABLES_DRIVER_H
#define SK_NFTABLES_DRIVER_H

#include "drivers/nftables/batch.h"
#include "drivers/nftables/denials.h"
#include "drivers/nftables/guard.h"
#include "drivers/nftables/hold.h"
#include "drivers/nftables/nftables.h"
#include "drivers/nftables/pool.h"
#include "drivers/nftables/slot.h"
#include "drivers/nftables/table.h"
#include "drivers/nftables/worker.h"

struct sk_nftables {
    struct sk_network base;
    struct sk_loop *loop;
    const struct sk_log *log; /* may be NULL */
    char name[16];
    char netns[160]; /* where all of it is; "" = where the driver was opened */
    struct sk_worker worker;

    /* The loop's. */
    void (*listener)(void *arg, const struct sk_network_event *event);
    void *listener_arg;
    struct sk_done gone, *closed;

    /* The worker's from here on. */
    struct sk_slots slots;
    struct sk_pool pool;
    struct sk_map by_id;
    struct sk_list all, ready;  /* of slots */
    struct sk_slot **by_number; /* those with a link */
    struct sk_list leaving;  /* dropped, but their connections may still be known: the numbers are not free */
    struct sk_list staying;  /* their connections are forgotten, their links live on */
    struct sk_instant swept; /* when connections were last looked at for them */
    size_t ready_wanted;
    uint32_t next_closed;
    struct sk_table table;
    struct sk_platform platform;             /* table's */
    struct sk_nftables_exception *reachable; /* table's */
    struct sk_netlink netfilter;
    struct sk_batch batch;
    struct sk_map by_tenant;
    struct sk_list tenants;
    struct sk_guard guard;
    struct sk_denials denials;
    bool is_changed; /* by somebody else, and not restored yet */
    bool is_broken;  /* that did not work, as the listener knows */
    struct sk_instant restore_at;
};

/* NULL = not attached. */
struct sk_slot *sk_nftables_find(const struct sk_nftables *net, const char *id);

/* host.c: the worker's: what is done to the machine when the driver opens, and undone when it closes. */
SK_MUST_CHECK enum sk_code sk_nftables_begin(void *arg, struct sk_err *err);
void sk_nftables_end(void *arg);

/* places.c: the worker's. */
SK_MUST_CHECK enum sk_code sk_nftables_attach(struct sk_nftables *net, const char *id, bool closed,
                                              struct sk_slot **out_slot, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_nftables_detach(struct sk_nftables *net, const char *id, struct sk_err *err);
/* Slots of an earlier daemon; ready ones are dropped. */
SK_MUST_CHECK enum sk_code sk_nftables_adopt(struct sk_nftables *net, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_nftables_count(struct sk_nftables *net, const char *id,
                                             struct sk_network_counts *out_counts, struct sk_err *err);
void sk_nftables_list(const struct sk_nftables *net, struct sk_litter_list *out);
/* Makes one slot ahead, if fewer are than wanted; tells whether it should be asked again. */
bool sk_nftables_prepare(struct sk_nftables *net);
/* Drops what was made ahead, and forgets the rest. */
void sk_nftables_forget(struct sk_nftables *net);

/* leave.c: the worker's. */
/* One that was dropped, and is in no list. */
void sk_nftables_leave(struct sk_nftables *net, struct sk_slot *slot_take);
/* Frees the numbers of slots that were dropped. Not more often than once a second, unless it is `urgent`. */
void sk_nftables_settle(struct sk_nftables *net, bool urgent);
/* Of links that outlived their slots: those that had time to go by themselves; all, when it is `urgent`. */
void sk_nftables_take_down(struct sk_nftables *net, bool urgent);
/* In how many milliseconds somebody who leaves has to be looked at; -1 = nobody leaves. */
int sk_nftables_await_leaving(struct sk_nftables *net);

/* policies.c: the worker's. */
/* Writes and sends; when something of ours turns out to be gone: after all was put back, once more. */
SK_MUST_CHECK enum sk_code sk_nftables_push(struct sk_nftables *net,
                                            void (*write)(struct sk_batch *batch, const void *what),
                                            const void *what, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_nftables_restore(struct sk_nftables *net, struct sk_err *err);
/* Takes *hold, and leaves NULL there, when it is in force. */
SK_MUST_CHECK enum sk_code sk_nftables_apply(struct sk_nftables *net, const char *id, struct sk_hold **hold,
                                             struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_nftables_grant(struct sk_nftables *net, const char *id, const char *name,
                                             const struct sk_network_grant *grants, size_t count,
                                             struct sk_err *err);
/* Cuts connections of pool addresses that no slot has. */
SK_MUST_CHECK enum sk_code sk_nftables_sweep(struct sk_nftables *net, struct sk_err *err);
void sk_nftables_forget_tenants(struct sk_nftables *net);

/* watch.c: the worker's. */
void sk_nftables_denied(void *arg, const struct sk_denial *denial);
/* Restores what has to be; in how many milliseconds it wants to be called again, -1 = when something comes.
 */
int sk_nftables_look(struct sk_nftables *net);

#endif
