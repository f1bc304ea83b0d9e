#include "api/status.h"
#include "api/messages.h"
#include "core/node.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <assert.h>
#include <string.h>

#define TYPE_PREFIX "type.googleapis.com/"
/* What a client told to come back later should wait; its own jitter may be shorter than a restart. */
#define RETRY_MS 500
/* Longer, since what they need must be started again first. */
#define RETRY_BACKEND_MS 2000
/* Others must end first. */
#define RETRY_CAPACITY_MS 2000

static Google__Protobuf__Any *any_of(struct sk_arena *arena, const ProtobufCMessage *message)
{
    Google__Protobuf__Any *any = sk_pb_new(arena, &google__protobuf__any__descriptor);
    any->type_url = sk_arena_printf(arena, TYPE_PREFIX "%s", message->descriptor->name);
    any->value.data = sk_pb_pack(arena, message, &any->value.len);
    return any;
}

static void add_fact(struct sk_arena *arena, Google__Rpc__ErrorInfo *info, const char *name,
                     const char *value)
{
    Google__Rpc__ErrorInfo__MetadataEntry *entry =
        sk_pb_new(arena, &google__rpc__error_info__metadata_entry__descriptor);
    entry->key = sk_arena_strdup(arena, name);
    entry->value = sk_arena_strdup(arena, value);
    info->metadata[info->n_metadata++] = entry;
}

static const ProtobufCMessage *error_info(struct sk_arena *arena, const struct sk_err *err,
                                          const struct sk_fact *facts, const char *request_id)
{
    Google__Rpc__ErrorInfo *info = sk_pb_new(arena, &google__rpc__error_info__descriptor);
    info->reason = sk_arena_printf(arena, "CWSANDBOX_%s", err->reason);
    info->domain = "cwsandbox.com";
    info->metadata = sk_arena_alloc(arena, (SK_FACTS_MAX + 2) * sizeof(void *));
    if (err->field[0])
        add_fact(arena, info, "field", err->field);
    for (size_t i = 0; facts && facts[i].name; i++) {
        assert(i < SK_FACTS_MAX);
        add_fact(arena, info, facts[i].name, facts[i].value);
    }
    if (*request_id)
        add_fact(arena, info, "request_id", request_id);
    return &info->base;
}

static const ProtobufCMessage *request_info(struct sk_arena *arena, const char *request_id)
{
    Google__Rpc__RequestInfo *info = sk_pb_new(arena, &google__rpc__request_info__descriptor);
    info->request_id = sk_arena_strdup(arena, request_id);
    return &info->base;
}

static bool is(const struct sk_err *err, const char *reason)
{
    return err->reason && strcmp(err->reason, reason) == 0;
}

static const ProtobufCMessage *retry_info(struct sk_arena *arena, const struct sk_err *err)
{
    int delay_ms = is(err, SK_REASON_BACKEND)    ? RETRY_BACKEND_MS
                   : is(err, SK_REASON_CAPACITY) ? RETRY_CAPACITY_MS
                                                 : RETRY_MS;
    Google__Rpc__RetryInfo *info = sk_pb_new(arena, &google__rpc__retry_info__descriptor);
    info->retry_delay = sk_pb_new(arena, &google__protobuf__duration__descriptor);
    info->retry_delay->seconds = delay_ms / 1000;
    info->retry_delay->nanos = delay_ms % 1000 * 1000000;
    return &info->base;
}

static const ProtobufCMessage *bad_request(struct sk_arena *arena, const struct sk_violation *items,
                                           size_t count)
{
    Google__Rpc__BadRequest *bad = sk_pb_new(arena, &google__rpc__bad_request__descriptor);
    bad->field_violations = sk_arena_alloc(arena, count * sizeof(void *));
    for (bad->n_field_violations = 0; bad->n_field_violations < count; bad->n_field_violations++) {
        Google__Rpc__BadRequest__FieldViolation *v =
            sk_pb_new(arena, &google__rpc__bad_request__field_violation__descriptor);
        v->field = sk_arena_strdup(arena, items[bad->n_field_violations].field);
        v->description = sk_arena_strdup(arena, items[bad->n_field_violations].text);
        bad->field_violations[bad->n_field_violations] = v;
    }
    return &bad->base;
}

static bool is_worth_another_try(const struct sk_err *err)
{
    static const char *const reasons[] = {SK_REASON_BUSY, SK_REASON_CAPACITY, SK_REASON_OVERLOADED};
    for (size_t i = 0; i < sk_array_len(reasons); i++) {
        if (is(err, reasons[i]))
            return true;
    }
    return err->code == SK_UNAVAILABLE;
}

/* The details with the first `count` violations. */
static void pack(struct sk_arena *arena, const struct sk_err *err, const struct sk_violation *items,
                 size_t count, const struct sk_fact *facts, const char *request_id, struct sk_status *out)
{
    Google__Protobuf__Any *details[4];
    Google__Rpc__Status *status = sk_pb_new(arena, &google__rpc__status__descriptor);
    status->code = (int32_t)err->code;
    status->message = (char *)out->text;
    status->details = details;
    if (err->reason)
        details[status->n_details++] = any_of(arena, error_info(arena, err, facts, request_id));
    if (count)
        details[status->n_details++] = any_of(arena, bad_request(arena, items, count));
    if (is_worth_another_try(err))
        details[status->n_details++] = any_of(arena, retry_info(arena, err));
    if (*request_id)
        details[status->n_details++] = any_of(arena, request_info(arena, request_id));
    out->details = sk_pb_pack(arena, &status->base, &out->details_len);
    if (!status->n_details)
        out->details = NULL, out->details_len = 0;
}

struct sk_status sk_status_make(struct sk_arena *arena, const struct sk_err *err,
                                const struct sk_check *check, const struct sk_fact *facts,
                                const char *request_id)
{
    struct sk_status out = {.code = err->code, .text = sk_arena_strdup(arena, err->text)};
    struct sk_violation one = {.field = err->field, .text = out.text};
    const struct sk_violation *items = &one;
    size_t count = err->code == SK_INVALID_ARGUMENT && err->field[0];
    if (check && check->count) {
        items = check->violations;
        count = check->count < SK_VIOLATIONS_MAX ? check->count : SK_VIOLATIONS_MAX;
    }
    pack(arena, err, items, count, facts, request_id, &out);
    while (out.details_len > SK_STATUS_DETAILS_MAX && count > 0)
        pack(arena, err, items, --count, facts, request_id, &out);
    return out;
}
