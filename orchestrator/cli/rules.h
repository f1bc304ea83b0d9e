/* rules.h: all rules of a sandbox's network, gathered from options or from a
 * file, as the message that asks for them. Pure; all lives in the arena.
 *
 * As JSON: {"egress": ["cidr:10.0.0.0/8"], "ingress": ["any,tcp=80"], "dns": "allow"}; rules as in rule.h.
 * egress must be there: an empty list denies all, "default" is the node's default. Without ingress nobody
 * reaches CUSTOM ports; without dns it goes by the rules. */
#ifndef SK_CLI_RULES_H
#define SK_CLI_RULES_H

#include "cli/rule.h"

#include <stdint.h>

typedef Coreweave__Sandbox__V1__NetworkOptions sk_rules;

/* Without any rule. */
sk_rules *sk_rules_new(struct sk_arena *arena);
void sk_rules_deny_egress(sk_rules *rules);
SK_MUST_CHECK enum sk_code sk_rules_add_egress(sk_rules *rules, const char *text, struct sk_arena *arena,
                                               struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_rules_add_ingress(sk_rules *rules, const char *text, struct sk_arena *arena,
                                                struct sk_err *err);
/* "allow" or "deny". */
SK_MUST_CHECK enum sk_code sk_rules_set_dns(sk_rules *rules, const char *text, struct sk_err *err);

SK_MUST_CHECK enum sk_code sk_rules_read(const uint8_t *json, size_t len, struct sk_arena *arena,
                                         sk_rules **out_rules, struct sk_err *err);

#endif
