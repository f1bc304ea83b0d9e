/* rules.h: a policy as lines that the packet filter and the connection table
 * are both judged by: each line lets something through, what no line lets
 * through is denied. Pure. */
#ifndef SK_NFTABLES_RULES_H
#define SK_NFTABLES_RULES_H

#include "net/policy.h"

#define SK_RULES_LINES_MAX  8192
#define SK_RULES_NAMES_MAX  16384 /* with those excepted */
#define SK_RULES_EXCEPT_MAX 32    /* of one line: the kernel takes 4 KiB of expressions a rule */

struct sk_line {
    enum sk_line_peer { SK_LINE_ANY, SK_LINE_BLOCK, SK_LINE_GRANTED, SK_LINE_TENANT } peer;
    struct sk_cidr block; /* BLOCK */
    const struct sk_cidr *except;
    size_t except_count;
    uint8_t protocol;     /* 0 = every one, and every port */
    uint16_t first, last; /* first 0 = every port */
};

struct sk_lines {
    struct sk_line *items;
    size_t count;
};

struct sk_rules {
    struct sk_lines world, peers; /* where packets may go to: elsewhere, other sandboxes */
    struct sk_lines gated;        /* where they are sent to the gate instead, which looks at names */
    struct sk_lines ingress;      /* where they may come from: port is the sandbox's own */
    struct sk_lines node;         /* what the node may call: port is the sandbox's own */
    const char *tenant;
    const struct sk_net_policy *names; /* its rules for names alone; NULL = it has none */
    bool asks_dns;
};

/* In the arena; the policy is not needed afterwards. has_gate: granted names are not open by themselves.
 * Errors: SK_INVALID_ARGUMENT (too many lines, exceptions or names). */
SK_MUST_CHECK enum sk_code sk_rules_make(struct sk_arena *arena, const struct sk_net_policy *policy,
                                         bool has_gate, struct sk_rules *out_rules, struct sk_err *err);
/* Whether nothing comes in or goes out. */
bool sk_rules_are_closed(const struct sk_rules *rules);

/* The other end of a connection. */
struct sk_other_end {
    struct sk_ip ip;
    uint8_t protocol;
    uint16_t port; /* the one that was called */
    bool is_granted, is_of_tenant;
};
bool sk_lines_allow(const struct sk_lines *lines, const struct sk_other_end *end);

#endif
