/* network_names.c: who may ask for which name, and what a granted name opens. */
#include "core/sandbox_impl.h"

/* What a client was told lives on in it for a while, and in connections that it is about to make. */
#define LIFETIME_LEAST 30
#define LIFETIME_MOST  (3600 - LIFETIME_MORE)
#define LIFETIME_MORE  60

/* --- what the rules say -------------------------------------------------------------- */

static enum sk_name_leave judge(const struct sk_net_policy *policy, const char *name)
{
    if (policy->dns == SK_NET_DNS_NONE)
        return SK_NAME_REFUSED;
    if (sk_net_policy_grants(policy, name))
        return SK_NAME_GRANTED;
    return policy->dns == SK_NET_DNS_ALL ? SK_NAME_ANSWERED : SK_NAME_REFUSED;
}

static enum sk_name_leave may_ask(void *arg, const struct sk_ip *asker, const char *name)
{
    struct sk_sandbox *s = sk_network_find(arg, asker);

    if (!s)
        return SK_NAME_IGNORED;
    s->network.names_asked++;
    sk_series_add(s->node->meters.names_asked, 1);
    return judge(s->record->spec.network, name);
}

/* --- grants ---------------------------------------------------------------------------- */

struct granting {
    struct sk_sandbox *sandbox; /* held */
    struct sk_network_grant *grants;
    struct sk_done inner, *outer;
};

static uint32_t lifetime(uint32_t told)
{
    uint32_t least = told < LIFETIME_LEAST ? LIFETIME_LEAST : told;
    return (least > LIFETIME_MOST ? LIFETIME_MOST : least) + LIFETIME_MORE;
}

static void on_open(struct sk_done *inner, const struct sk_err *err)
{
    struct granting *g = sk_container_of(inner, struct granting, inner);
    struct sk_sandbox *s = g->sandbox;
    struct sk_done *outer = g->outer;

    if (err)
        sk_log_err(sk_sandbox_log(s), SK_WARN, "network.not_granted", err);
    free(g->grants);
    free(g);
    sk_done_fire(outer, err);
    sk_sandbox_unhold(s);
}

/* What has changed since the question was asked; while rules are being changed nobody knows. */
static enum sk_code check(const struct sk_sandbox *s, const char *name, struct sk_err *err)
{
    if (!s)
        return sk_fail(err, SK_NOT_FOUND, "the sandbox that asked has ended");
    if (!sk_list_is_empty(&s->network.flows) || s->node->stopping)
        return sk_fail(err, SK_UNAVAILABLE, "the sandbox's rules are being changed");
    if (judge(s->record->spec.network, name) != SK_NAME_GRANTED)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the name is not granted any more");
    return SK_OK;
}

static void on_granted(void *arg, const struct sk_ip *asker, const char *name,
                       const struct sk_network_grant *grants, size_t count, struct sk_done *done)
{
    struct sk_node *node = arg;
    struct sk_sandbox *s = sk_network_find(node, asker);
    struct sk_err err = {0};

    if (check(s, name, &err) != SK_OK) {
        sk_done_later(node->loop, done, &err);
        return;
    }
    struct granting *g = sk_alloc(sizeof(*g));
    g->sandbox = s;
    g->outer = done;
    g->grants = sk_alloc((count + 1) * sizeof(*grants));
    for (size_t i = 0; i < count; i++)
        g->grants[i] = (struct sk_network_grant){grants[i].ip, lifetime(grants[i].lifetime_s)};
    sk_sandbox_hold(s);
    sk_done_init(&g->inner, on_open);
    node->network->ops->grant(node->network, s->record->id, name, g->grants, count, &g->inner);
}

/* --- denials ----------------------------------------------------------------------------- */

static void on_denied(void *arg, const struct sk_ip *asker, const char *name, const char *why)
{
    struct sk_node *node = arg;
    struct sk_sandbox *s = sk_network_find(node, asker);

    if (!s)
        return;
    s->network.names_denied++;
    sk_series_add(node->meters.names_denied, 1);
    struct sk_network_denial denial = {
        .at = sk_loop_wall(node->loop),
        .protocol = SK_NET_UDP,
        .port = 53,
        .rule = why,
    };
    (void)snprintf(denial.name, sizeof(denial.name), "%s", name);
    sk_network_denied(s, &denial);
}

const struct sk_names_events sk_network_names_events = {
    .may_ask = may_ask,
    .on_granted = on_granted,
    .on_denied = on_denied,
};
