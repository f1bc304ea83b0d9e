/* slot.h: a place for a sandbox on the network: a namespace, and but for
 * closed ones a link with addresses. What is there is written in the folder of
 * the pins: "<name>" is the namespace, "<name>.id" says whose it is; names are
 * the number of the place, closed ones have a "c" before it. "<name>.left":
 * whoever was there has gone, the link perhaps not yet. Blocking; the worker's
 * thread. */
#ifndef SK_NFTABLES_SLOT_H
#define SK_NFTABLES_SLOT_H

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "drivers/nftables/link.h"

#define SK_SLOT_ID_MAX 127

struct sk_slot {
    uint32_t number;
    bool is_closed;
    char id[SK_SLOT_ID_MAX + 1]; /* "" = ready, nobody's */
    char netns[160];
    struct sk_link link; /* but for closed ones */
    struct sk_map_node by_id;
    struct sk_list all, ready; /* the driver's lists */
    bool is_adopted;           /* an earlier daemon's: rules of that time may be in force */
    bool has_left;             /* dropped by an earlier daemon; its link may live on */
    struct sk_instant left;    /* when it was dropped */
    struct sk_hold *hold;      /* what this daemon has put in force; the driver's; NULL = nothing yet */
};

/* What all slots have in common. */
struct sk_slots {
    char folder[128];
    const char *link_prefix;
    struct sk_cidr ipv4, ipv6; /* ipv6.prefix 0 = none */
    uint32_t mtu;
    uint64_t bandwidth_bits; /* a second, each way; 0 = no limit */
    int home;                /* the host's network namespace */
    struct sk_netlink route; /* a routing socket there */
};

/* Numbers that have addresses in both pools. */
size_t sk_slots_count(const struct sk_slots *slots);
struct sk_ip sk_slots_gateway(const struct sk_slots *slots, bool is_v6);

/* Whose number an address stands for; false = it is no slot's. */
bool sk_slots_number_of(const struct sk_slots *slots, const struct sk_ip *ip, uint32_t *out_number);

/* Heap; nothing is made yet. */
struct sk_slot *sk_slot_new(const struct sk_slots *slots, uint32_t number, bool is_closed);
void sk_slot_free(struct sk_slot *slot);
/* Errors: SK_ALREADY_EXISTS (a namespace or a link of that number lives on). Nothing stays then. */
SK_MUST_CHECK enum sk_code sk_slot_make(struct sk_slots *slots, struct sk_slot *slot, struct sk_err *err);
/* Writes down whose it is. */
SK_MUST_CHECK enum sk_code sk_slot_assign(struct sk_slot *slot, const char *id, struct sk_err *err);
/* The kernel takes the link down when the last process has left the namespace, and the last socket, which it
 * may keep for minutes. */
SK_MUST_CHECK enum sk_code sk_slot_drop(const struct sk_slot *slot, struct sk_err *err);
/* The link has gone, too. */
void sk_slot_forget(const struct sk_slot *slot);

/* Calls `found` for each pinned namespace; its slot is the callee's, with an id, or "" when nobody's; and for
 * those that have left, some perhaps twice. Removes files that mean nothing. */
SK_MUST_CHECK enum sk_code sk_slots_find(const struct sk_slots *slots,
                                         void (*found)(void *arg, struct sk_slot *slot_take), void *arg,
                                         struct sk_err *err);

#endif
