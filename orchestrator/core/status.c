#include "core/status.h"

#include "core/health.h"
#include "core/sandbox_impl.h"
#include "core/session_impl.h"

#include <string.h>

static bool is_of(const char *tenant, const char *owner)
{
    return !tenant || strcmp(tenant, owner) == 0;
}

static void add_living(struct sk_node_summary *out, const struct sk_sandbox *s)
{
    out->living++;
    out->streams += s->users;
    if (s->charge.capacity) {
        out->charged.cpu_millis += s->charge.amount.cpu_millis;
        out->charged.memory_bytes += s->charge.amount.memory_bytes;
        out->charged.gpus += s->charge.amount.gpus;
    }
    out->used.cpu_millis += s->use.is_measured ? s->use.cpu_millis : 0;
    out->used.memory_bytes += s->use.is_measured ? s->use.memory_bytes : 0;
}

static void add_sandboxes(struct sk_node *node, const char *tenant, struct sk_node_summary *out)
{
    sk_list_each(&node->sandboxes, link)
    {
        const struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, link);
        if (s->durable && is_of(tenant, s->record->tenant))
            out->by_state[s->record->state]++;
    }
    sk_list_each(&node->live, link)
    {
        const struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, live);
        if (s->durable && is_of(tenant, s->record->tenant))
            add_living(out, s);
    }
}

static void add_sessions(struct sk_node *node, const char *tenant, struct sk_node_summary *out)
{
    sk_list_each(&node->unclosed, link)
    {
        const struct sk_session *session = sk_list_entry(link, struct sk_session, unclosed);
        if (session->durable && session->record->state == SK_SESSION_OPEN &&
            is_of(tenant, session->record->tenant))
            out->open_sessions++;
    }
}

void sk_node_summarize(struct sk_node *node, const char *tenant, struct sk_node_summary *out)
{
    *out = (struct sk_node_summary){.faults = sk_node_health(node), .began = node->began};
    add_sandboxes(node, tenant, out);
    add_sessions(node, tenant, out);
}

size_t sk_node_living(struct sk_node *node, const char *tenant, struct sk_sandbox **out, size_t max)
{
    size_t count = 0;

    for (struct sk_list *at = node->live.prev; at != &node->live && count < max; at = at->prev) {
        struct sk_sandbox *s = sk_list_entry(at, struct sk_sandbox, live);
        if (s->durable && is_of(tenant, s->record->tenant))
            out[count++] = s;
    }
    return count;
}

size_t sk_sandbox_execs(const struct sk_sandbox *s)
{
    size_t count = 0;

    sk_list_each(&s->execs, link) count++;
    return count;
}
