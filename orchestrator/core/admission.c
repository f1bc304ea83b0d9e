/* admission.c: whether a sandbox may come in, and what a create that comes twice gets. */
#include "core/answer.h"
#include "core/drain_impl.h"
#include "core/session_impl.h"

#include <stdio.h>
#include <string.h>

void sk_node_stopping_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the node is stopping");
    (void)sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

static void away_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the sandbox runtime of this node does not answer: try again soon");
    (void)sk_err_reason(err, SK_REASON_BACKEND);
}

static struct sk_sandbox *find_request(struct sk_node *node, const struct sk_record *record)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    struct sk_map_node *found = NULL;

    if (record->request_id[0])
        found =
            sk_map_find(&node->by_request, sk_node_request_key(&scratch, record->tenant, record->request_id));
    return found ? sk_map_entry(found, struct sk_sandbox, by_request) : NULL;
}

static void create_again(struct sk_node *node, struct sk_sandbox *original, const struct sk_record *record,
                         struct sk_sandbox **out_sandbox, struct sk_done *done)
{
    struct sk_err err = {0};

    if (memcmp(original->record->request_hash, record->request_hash, sizeof(record->request_hash)) == 0) {
        sk_answer_create(original, false, out_sandbox, done);
        return;
    }
    (void)sk_fail(&err, SK_INVALID_ARGUMENT, "request id %.64s was used for another request",
                  record->request_id);
    (void)snprintf(err.field, sizeof(err.field), "request_id");
    sk_done_later(node->loop, done, &err);
}

struct sk_wall sk_node_next_created(struct sk_node *node)
{
    int64_t now = sk_loop_wall(node->loop).ns;
    return (struct sk_wall){now > node->last_created.ns ? now : node->last_created.ns + 1};
}

static struct sk_sandbox *admit(struct sk_node *node, struct sk_session *session, struct sk_record *record)
{
    record->state = record->start_on_first_use ? SK_STATE_PENDING : SK_STATE_CREATING;
    record->created = sk_node_next_created(node);
    struct sk_sandbox *s = sk_sandbox_new(node, record);
    sk_node_insert(node, s);
    s->network.has_ports = record->spec.network != NULL;
    sk_sandbox_charge(s);
    if (session)
        sk_session_join(session, s);
    return s;
}

/* What is one sandbox's alone: GPUs, ports. */
static enum sk_code assign(struct sk_node *node, struct sk_record *record, struct sk_err *err)
{
    struct sk_spec *spec = &record->spec;
    enum sk_code code = sk_gpus_assign(&node->gpus, spec, &record->arena, err);

    if (code != SK_OK || !spec->network)
        return code;
    code = sk_ports_assign(&node->ports, spec->network, err);
    if (code != SK_OK)
        sk_gpus_release(&node->gpus, spec);
    return code;
}

/* The tenant's quotas, the node's capacity, and last what counts tries. */
static enum sk_code check_room(struct sk_node *node, const struct sk_record *record, struct sk_err *err)
{
    const struct sk_amount asked = sk_sandbox_asks(record);
    const struct sk_holding needs = sk_sandbox_needs(node, record);
    const struct sk_quota_table *quotas = &node->config.quotas;
    enum sk_code code = sk_tenants_check(&node->tenants, quotas, record->tenant, &needs, err);

    if (code == SK_OK)
        code = sk_capacity_check(&node->capacity, &asked, err);
    if (code == SK_OK)
        code = sk_tenants_pace(&node->tenants, quotas, record->tenant, sk_loop_now(node->loop), err);
    return code;
}

enum sk_code sk_node_admit_told(struct sk_node *node, const char *tenant, struct sk_err *err)
{
    return sk_tenants_admit_told(&node->tenants, &node->config.quotas, tenant, sk_loop_now(node->loop), err);
}

void sk_node_told(struct sk_node *node, const char *tenant, int64_t bytes)
{
    sk_tenants_told(&node->tenants, &node->config.quotas, tenant, bytes, sk_loop_now(node->loop));
}

struct sk_audit_share *sk_node_audit_share(struct sk_node *node, const char *tenant)
{
    return sk_tenants_audit_share(&node->tenants, tenant);
}

static enum sk_code find_session(struct sk_node *node, const struct sk_record *record,
                                 struct sk_session **out_session, struct sk_err *err)
{
    if (!record->session_id[0])
        return SK_OK;
    *out_session = sk_session_find(node, record->session_id);
    if (*out_session)
        return sk_session_admit(*out_session, err);
    sk_session_not_found(err, record->session_id);
    return SK_NOT_FOUND;
}

/* With SK_OK it holds what is one sandbox's alone. */
static enum sk_code let_in(struct sk_node *node, struct sk_record *record, struct sk_session **out_session,
                           struct sk_err *err)
{
    enum sk_code code;

    if (sk_drain_refuses(node, err))
        return err->code;
    if (node->away) {
        away_err(err);
        return SK_UNAVAILABLE;
    }
    if ((code = find_session(node, record, out_session, err)) || (code = check_room(node, record, err)))
        return code;
    return assign(node, record, err);
}

void sk_node_create(struct sk_node *node, struct sk_record *record, struct sk_sandbox **out_sandbox,
                    struct sk_done *done)
{
    struct sk_sandbox *original = find_request(node, record);
    struct sk_session *session = NULL;
    struct sk_err err = {0};

    if (node->stopping) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
    } else if (original) {
        create_again(node, original, record, out_sandbox, done);
    } else if (let_in(node, record, &session, &err) != SK_OK) {
        sk_done_later(node->loop, done, &err);
    } else {
        sk_answer_create(admit(node, session, record), true, out_sandbox, done);
        return;
    }
    sk_record_free(record);
}
