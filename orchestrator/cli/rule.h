/* rule.h: rules of a sandbox's network as people write them, and as messages.
 * Pure; all lives in the arena.
 *
 *   any                                   every address that is not the platform's
 *   tenant                                the tenant's other sandboxes; tenant:user = those of the same user
 *   cidr:10.0.0.0/8,except=10.1.0.0/16    a block of addresses, but for some
 *   host:*.example.com,except=x.example.com    HTTPS to a name
 *
 * each with ",tcp=443", ",udp=53-60", ",sctp=all": only those ports (never with host:). */
#ifndef SK_CLI_RULE_H
#define SK_CLI_RULE_H

#include "base/arena.h"
#include "base/err.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

/* Errors: SK_INVALID_ARGUMENT. What addresses and names look like is for the server to judge. */
SK_MUST_CHECK enum sk_code sk_rule_parse_egress(const char *text, struct sk_arena *arena,
                                                Coreweave__Sandbox__V1__EgressRule **out_rule,
                                                struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_rule_parse_ingress(const char *text, struct sk_arena *arena,
                                                 Coreweave__Sandbox__V1__IngressRule **out_rule,
                                                 struct sk_err *err);

/* The same way back; "unknown" for a kind this program does not know. */
const char *sk_rule_print_egress(const Coreweave__Sandbox__V1__EgressRule *rule, struct sk_arena *arena);
const char *sk_rule_print_ingress(const Coreweave__Sandbox__V1__IngressRule *rule, struct sk_arena *arena);

#endif
