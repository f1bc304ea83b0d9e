#include "api/witness.h"

#include "api/call.h"
#include "audit/audit.h"
#include "core/capacity.h"
#include "core/quota.h"

#include <string.h>

/* Callers that nobody knows must not wash away what was written of others, nor take the room of ends while it
 * cannot be written; nor may those who have been told so. */
#define STRANGERS_A_SECOND 10

static const struct sk_rule_of_audit rules[] = {
    {"CreateSandbox", "created", SK_DEED_CHANGES},
    {"CreateSandboxFromTemplate", "created", SK_DEED_CHANGES},
    {"CreateSandboxFromFile", "created", SK_DEED_CHANGES},
    {"DeleteSandbox", "deleted", SK_DEED_ENDS},
    {"PurgeSandboxes", "purged", SK_DEED_ENDS},
    {"Exec", "executed", SK_DEED_CHANGES},
    {"StreamExec", "executed", SK_DEED_CHANGES},
    {"WriteFile", "wrote", SK_DEED_CHANGES},
    {"ReadFile", "read", SK_DEED_TAKES},
    {"StreamLogs", "read logs", SK_DEED_TAKES},
    {"ConnectSandbox", "connected", SK_DEED_CHANGES},
    {"OpenSession", "opened", SK_DEED_CHANGES},
    {"CloseSession", "closed", SK_DEED_ENDS},
    {"RenewSession", "renewed", SK_DEED_HOLDS},
    {"KeepAlive", "held", SK_DEED_HOLDS},
    {"PullImage", "pulled", SK_DEED_CHANGES},
    {"ImportImage", "imported", SK_DEED_CHANGES},
    {"RemoveImage", "removed", SK_DEED_ENDS},
    {"SetNetwork", "set network", SK_DEED_CHANGES},
    {"CreateKey", "created key", SK_DEED_CHANGES},
    {"RevokeKey", "revoked key", SK_DEED_ENDS},
    {"Reload", "reloaded", SK_DEED_ENDS},
    {"Drain", "drained", SK_DEED_ENDS},
    {"Undrain", "undrained", SK_DEED_ENDS},
    {"Check", "looked", SK_DEED_LOOKS},
    {"Watch", "looked", SK_DEED_LOOKS},
    {"ServerReflectionInfo", "looked", SK_DEED_LOOKS},
};

static const struct sk_rule_of_audit looking = {"", "looked", SK_DEED_LOOKS};
static const struct sk_rule_of_audit unknown = {"", "asked", SK_DEED_CHANGES};

const struct sk_rule_of_audit *sk_witness_rule(const struct sk_method *method, bool is_known)
{
    const char *name = is_known ? method->type->name : "";
    for (size_t i = 0; i < sk_array_len(rules); i++) {
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    }
    return strncmp(name, "Get", 3) == 0 || strncmp(name, "List", 4) == 0 ? &looking : &unknown;
}

static struct sk_audit *audit_of(const struct sk_call *call)
{
    return sk_node_config(call->node)->audit;
}

static bool is_read(const struct sk_call *call)
{
    return call->about.rule->deed == SK_DEED_LOOKS || call->about.rule->deed == SK_DEED_HOLDS;
}

static bool is_told(const struct sk_call *call)
{
    const struct sk_audit *audit = audit_of(call);
    return audit && (!is_read(call) || sk_audit_tells_reads(audit));
}

/* Whose share of the audit counts: of what other nodes ask for somebody, that on the node which was asked. */
static bool is_on_quota(const struct sk_call *call)
{
    return call->is_let_in && !call->caller.is_admin && !call->is_hop;
}

/* Whose lines count for a tenant's part of the memory that they wait in; NULL: nobody's. */
static struct sk_audit_share *share_of(struct sk_call *call)
{
    bool is_tenants = call->is_let_in && !call->caller.is_admin;
    return is_tenants ? sk_node_audit_share(call->node, call->caller.tenant) : NULL;
}

/* A read whose tenant has as many lines waiting as there is room left for all. */
static bool is_crowding(struct sk_call *call)
{
    struct sk_audit_share *share = is_read(call) ? share_of(call) : NULL;
    return share && !sk_audit_has_share(audit_of(call), share);
}

static enum sk_code take_share(struct sk_call *call, struct sk_err *err)
{
    enum sk_code code = sk_node_admit_told(call->node, call->caller.tenant, err);
    call->about.taken = code == SK_OK ? SK_TOLD_BEFOREHAND : 0;
    return code;
}

/* Of what may end something sk_witness_end has the last word. */
static enum sk_code admit_on_quota(struct sk_call *call, struct sk_err *err)
{
    struct sk_err why;
    enum sk_code code = take_share(call, &why);
    bool goes_on = call->about.rule->deed == SK_DEED_ENDS || call->about.rule->deed == SK_DEED_HOLDS;
    call->about.is_beyond = code != SK_OK && goes_on;
    if (code == SK_OK || goes_on)
        return SK_OK;
    *err = why;
    return code;
}

enum sk_code sk_witness_admit(struct sk_call *call, struct sk_err *err)
{
    enum sk_deed deed = call->about.rule->deed;
    enum sk_code code = SK_OK;
    if (!is_read(call) && !sk_audit_lets_change(audit_of(call), deed == SK_DEED_ENDS)) {
        (void)sk_fail(err, SK_UNAVAILABLE, "the audit log cannot be written, and nothing is done without it");
        code = sk_err_reason(err, "AUDIT_UNAVAILABLE");
    } else if (deed == SK_DEED_LOOKS && is_told(call) && sk_audit_is_required(audit_of(call)) &&
               is_crowding(call)) {
        (void)sk_fail(err, SK_RESOURCE_EXHAUSTED,
                      "tenant %s reads faster than the audit log can be written: try again in a moment",
                      call->caller.tenant);
        code = sk_err_reason(err, SK_REASON_OVERLOADED);
    } else if (is_told(call) && is_on_quota(call)) {
        code = admit_on_quota(call, err);
    }
    call->about.is_turned_away = code != SK_OK;
    return code;
}

enum sk_code sk_witness_end(struct sk_call *call, bool ends, struct sk_err *err)
{
    struct sk_about *about = &call->about;
    about->ends = ends;
    if (!about->is_beyond || ends)
        return SK_OK;
    about->is_beyond = false;
    enum sk_code code = take_share(call, err);
    about->is_turned_away = code != SK_OK;
    return code;
}

/* --- what a message is about ------------------------------------------------------- */

static const void *member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

static const ProtobufCFieldDescriptor *find(const ProtobufCMessage *message, const char *name,
                                            ProtobufCType type)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (!field || field->type != type)
        return NULL;
    bool is_one = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (is_one && *(const uint32_t *)((const char *)message + field->quantifier_offset) != field->id)
        return NULL;
    return field;
}

/* Copied; what was found before stays. */
static void take_text(struct sk_call *call, const ProtobufCMessage *message, const char *name,
                      const char **out)
{
    const ProtobufCFieldDescriptor *field = find(message, name, PROTOBUF_C_TYPE_STRING);
    if (*out || !field || field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    const char *text = *(char *const *)member(message, field);
    if (text && *text)
        *out = sk_arena_strdup(call->arena, text);
}

static void take_command(struct sk_call *call, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = find(message, "command", PROTOBUF_C_TYPE_STRING);
    struct sk_about *about = &call->about;
    if (about->command || !field || field->label != PROTOBUF_C_LABEL_REPEATED)
        return;
    char *const *words = *(char **const *)member(message, field);
    size_t count = *(const size_t *)((const char *)message + field->quantifier_offset), told = 0;
    about->command = sk_arena_alloc(call->arena, (count + 1) * sizeof(*about->command));
    for (; about->command_len < count && told <= SK_AUDIT_COMMAND_MAX; about->command_len++) {
        size_t len = strnlen(words[about->command_len], SK_AUDIT_WORD_MAX + 1);
        about->command[about->command_len] = sk_arena_strndup(call->arena, words[about->command_len], len);
        told += len + 3;
    }
}

static const ProtobufCMessage *inner(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = find(message, name, PROTOBUF_C_TYPE_MESSAGE);
    if (!field || field->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    return *(ProtobufCMessage *const *)member(message, field);
}

static void take_sandbox(struct sk_call *call, const SK_PB(Sandbox) * sandbox)
{
    struct sk_about *about = &call->about;
    if (!about->sandbox && sandbox->sandbox_id && *sandbox->sandbox_id)
        about->sandbox = sk_arena_strdup(call->arena, sandbox->sandbox_id);
    if (sandbox->spec && sandbox->spec->n_containers == 1) {
        take_text(call, &sandbox->spec->containers[0]->base, "image", &about->image);
        take_command(call, &sandbox->spec->containers[0]->base);
    }
}

static void take(struct sk_call *call, const ProtobufCMessage *message)
{
    static const char *const inners[] = {"init", "start", "sandbox", "overrides", "key", "session"};
    struct sk_about *about = &call->about;
    if (message->descriptor == &coreweave__sandbox__v1__sandbox__descriptor) {
        take_sandbox(call, (const SK_PB(Sandbox) *)message);
        return;
    }
    take_text(call, message, "sandbox_id", &about->sandbox);
    take_text(call, message, "session_id", &about->session);
    take_text(call, message, "path", &about->path);
    take_text(call, message, "name", &about->name);
    take_text(call, message, "key_id", &about->name);
    take_command(call, message);
    for (size_t i = 0; i < sk_array_len(inners); i++) {
        const ProtobufCMessage *within = inner(message, inners[i]);
        if (within)
            take(call, within);
    }
}

/* --- what the audit is told ---------------------------------------------------------- */

static void charge(const struct sk_call *call, int64_t bytes)
{
    if (bytes && is_on_quota(call) && !call->about.is_turned_away && !call->about.is_beyond)
        sk_node_told(call->node, call->caller.tenant, bytes);
}

/* What was taken of the tenant's quota beforehand becomes what the call's line is; 0: there is none. */
static void settle(struct sk_call *call, int64_t bytes)
{
    charge(call, bytes - call->about.taken);
    call->about.taken = 0;
}

/* Its bytes. */
static int64_t tell(struct sk_call *call, const char *event, const char *code_name, struct sk_duration took)
{
    const struct sk_about *about = &call->about;
    const struct sk_audit_event told = {
        .event = event,
        .tenant = call->is_let_in ? call->caller.tenant : NULL,
        .key = call->caller.key_id,
        .peer = sk_server_call_peer(call->rpc),
        .method = sk_server_call_method(call->rpc),
        .request = call->request_id,
        .client = call->client_id,
        .sandbox = about->sandbox,
        .session = about->session,
        .image = about->image,
        .path = about->path,
        .name = about->name,
        .command = about->command,
        .command_len = about->command_len,
        .code = code_name,
        .took = took,
    };
    int64_t bytes = (int64_t)sk_audit_write(audit_of(call), &told);
    struct sk_audit_share *share = share_of(call);
    if (share)
        sk_audit_charge(audit_of(call), share, (size_t)bytes);
    return bytes;
}

void sk_witness_request(struct sk_call *call, const ProtobufCMessage *message)
{
    struct sk_about *about = &call->about;
    if (about->is_noted || !about->rule)
        return;
    about->is_noted = true;
    if (!is_told(call) && !call->span.context.sampled)
        return;
    take(call, message);
    /* What lasts is told when it begins, too: who cuts the power meanwhile is still seen. */
    if (is_told(call) && call->method.stream && about->rule->deed == SK_DEED_CHANGES)
        charge(call, tell(call, "began", NULL, SK_NS(0)));
}

static bool is_strangers_turn(struct sk_call *call)
{
    struct sk_strangers *strangers = call->strangers;
    if (!sk_audit_has_room(audit_of(call)))
        return false;
    struct sk_instant now = sk_loop_now(sk_node_loop(call->node));
    if (sk_instant_diff(now, strangers->since).ns >= SK_SEC(1).ns)
        *strangers = (struct sk_strangers){.since = now};
    return strangers->count++ < STRANGERS_A_SECOND;
}

/* A line that is left out rather than that others' find no room, though its call was not refused. */
static bool is_missed(struct sk_call *call, enum sk_code code)
{
    bool was_shown = code == SK_OK && call->about.rule->deed == SK_DEED_LOOKS;
    return is_crowding(call) && !(was_shown && sk_audit_is_required(audit_of(call)));
}

static void answer(struct sk_call *call, const ProtobufCMessage *message, enum sk_code code)
{
    const struct sk_about *about = &call->about;
    bool is_bounded = !call->is_let_in || about->is_turned_away || (about->is_beyond && !about->ends);
    if (is_bounded && call->strangers && !is_strangers_turn(call))
        return;
    if (is_missed(call, code)) {
        sk_audit_miss(audit_of(call));
        return;
    }
    if (message && about->rule->deed == SK_DEED_CHANGES)
        take(call, message);
    settle(call, tell(call, about->rule->event, sk_code_name(code),
                      sk_instant_diff(sk_loop_now(sk_node_loop(call->node)), call->began)));
}

void sk_witness_answer(struct sk_call *call, const ProtobufCMessage *message, enum sk_code code)
{
    if (call->about.rule && is_told(call))
        answer(call, message, code);
    settle(call, 0);
}
