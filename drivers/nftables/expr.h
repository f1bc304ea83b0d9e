/* expr.h: one line of rules as an nf_tables rule: the expressions that the
 * kernel's machine runs on a packet. */
#ifndef SK_NFTABLES_EXPR_H
#define SK_NFTABLES_EXPR_H

#include "drivers/nftables/rules.h"

#include <libnftnl/rule.h>

struct sk_expr_scene {
    bool is_source;      /* the other end is where the packet comes from */
    const char *granted; /* set of granted addresses, of the family */
    const char *tenants; /* map from addresses to tenants, of the family */
    uint32_t tenant;
    const char *verdict; /* a chain to go on in; NULL = accept */
};

/* Whether the line says something of that family by itself; a line that says the same of both (ANY) is made
 * into a rule once, for IPv4. */
bool sk_expr_applies(const struct sk_line *line, bool is_v6);
/* Heap, the caller's. */
struct nftnl_rule *sk_expr_rule(const struct sk_line *line, bool is_v6, const struct sk_expr_scene *scene);

#endif
