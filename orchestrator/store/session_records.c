#include "store/session_records.h"

#include "base/id.h"
#include "base/utf8.h"
#include "sandkeep/records.pb-c.h"
#include "store/records.h"

#include <string.h>

typedef Sandkeep__Records__V1__SessionRecord wire_session;
typedef Sandkeep__Records__V1__Moment wire_moment;

#define HASH_LEN sizeof(((struct sk_session_record *)0)->request_hash)

_Static_assert((int)SANDKEEP__RECORDS__V1__SESSION_STATE__SESSION_STATE_OPEN == SK_SESSION_OPEN &&
                   (int)SANDKEEP__RECORDS__V1__SESSION_STATE__SESSION_STATE_CLOSED == SK_SESSION_CLOSED,
               "states are stored by number");

struct sk_session_record *sk_session_record_new(const char *id)
{
    struct sk_session_record *record = sk_alloc(sizeof(*record));

    record->id = sk_arena_strdup(&record->arena, id);
    record->tenant = SK_TENANT_DEFAULT;
    record->owner = record->request_id = record->display_name = "";
    record->state = SK_SESSION_OPEN;
    record->state_reason = record->boot_id = "";
    return record;
}

void sk_session_record_free(struct sk_session_record *record)
{
    if (!record)
        return;
    sk_arena_fini(&record->arena);
    free(record);
}

void sk_session_record_set_reason(struct sk_session_record *record, const char *reason)
{
    record->state_reason = sk_reason_clean(&record->arena, reason);
}

/* --- what protobuf-c does not check ---------------------------------------- */

static bool is_text(const wire_session *wire)
{
    const char *const texts[] = {wire->id,           wire->owner,   wire->request_id, wire->display_name,
                                 wire->state_reason, wire->boot_id, wire->tenant};

    for (size_t i = 0; i < sk_array_len(texts); i++)
        if (!sk_utf8_is_valid(texts[i], strlen(texts[i])))
            return false;
    return true;
}

static const char *number_fault(const wire_session *wire)
{
    if (wire->idle_timeout_seconds < 0 || wire->lease_seconds < 0 || wire->expire_grace_seconds < 0)
        return "a negative time";
    if (wire->lease_seconds == 0)
        return "no lease";
    if (wire->max_sandboxes < 0 || wire->pruned_sandboxes < 0)
        return "a negative number of sandboxes";
    return NULL;
}

/* What is wrong with the message, or NULL. */
static const char *fault(const wire_session *wire)
{
    if (!is_text(wire))
        return "a string that is not UTF-8";
    if (!sk_id_is_session(wire->id))
        return *wire->id ? "an id of the wrong shape" : "no id";
    if ((int)wire->state < SK_SESSION_OPEN || (int)wire->state > SK_SESSION_CLOSED)
        return "an unknown state";
    if (wire->request_hash.len != 0 && wire->request_hash.len != HASH_LEN)
        return "a request hash of the wrong length";
    return number_fault(wire);
}

/* --- packing: a message that borrows everything from the record ------------ */

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static ProtobufCBinaryData borrow_bytes(const uint8_t *data, size_t len)
{
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

static void fill(wire_session *wire, wire_moment *kill_at, const struct sk_session_record *record)
{
    sandkeep__records__v1__session_record__init(wire);
    wire->id = borrow(record->id);
    wire->owner = borrow(record->owner);
    wire->tenant = borrow(record->tenant);
    wire->request_id = borrow(record->request_id);
    wire->request_hash = borrow_bytes(record->request_hash, HASH_LEN);
    wire->display_name = borrow(record->display_name);
    wire->defaults = borrow_bytes(record->defaults, record->defaults_len);
    wire->idle_timeout_seconds = record->idle_timeout_seconds;
    wire->max_sandboxes = record->max_sandboxes;
    wire->lease_seconds = record->lease_seconds;
    wire->expire_grace_seconds = record->expire_grace_seconds;
    wire->state = (Sandkeep__Records__V1__SessionState)record->state;
    wire->state_reason = borrow(record->state_reason);
    wire->created_wall_ns = record->created.ns;
    wire->closed_wall_ns = record->closed.ns;
    wire->boot_id = borrow(record->boot_id);
    wire->pruned_sandboxes = record->pruned_sandboxes;
    sandkeep__records__v1__moment__init(kill_at);
    kill_at->boot_ns = record->kill_at.ns;
    kill_at->wall_ns = record->kill_at_wall.ns;
    wire->kill_at = sk_instant_is_set(record->kill_at) ? kill_at : NULL;
}

enum sk_code sk_session_record_pack(const struct sk_session_record *record, struct sk_buf *out,
                                    struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    wire_session wire;
    wire_moment kill_at;

    fill(&wire, &kill_at, record);
    const char *why = fault(&wire);
    if (why)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a session with %s cannot be stored", why);
    size_t len = sandkeep__records__v1__session_record__get_packed_size(&wire);
    uint8_t *bytes = sk_arena_alloc(&scratch, len);
    sandkeep__records__v1__session_record__pack(&wire, bytes);
    if (sk_buf_append(out, bytes, len) != SK_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "a session of %zu bytes is too large to be stored", len);
    return SK_OK;
}

/* --- unpacking: the record borrows from the message, both in its arena ----- */

static void take(struct sk_session_record *record, const wire_session *wire)
{
    record->id = wire->id;
    record->owner = wire->owner;
    record->tenant = wire->tenant[0] ? wire->tenant : SK_TENANT_DEFAULT;
    record->request_id = wire->request_id;
    if (wire->request_hash.len)
        memcpy(record->request_hash, wire->request_hash.data, HASH_LEN);
    record->display_name = wire->display_name;
    record->defaults = wire->defaults.data;
    record->defaults_len = wire->defaults.len;
    record->idle_timeout_seconds = wire->idle_timeout_seconds;
    record->max_sandboxes = wire->max_sandboxes;
    record->lease_seconds = wire->lease_seconds;
    record->expire_grace_seconds = wire->expire_grace_seconds;
    record->state = (enum sk_session_state)wire->state;
    record->state_reason = wire->state_reason;
    record->created.ns = wire->created_wall_ns;
    record->closed.ns = wire->closed_wall_ns;
    record->boot_id = wire->boot_id;
    record->pruned_sandboxes = wire->pruned_sandboxes;
    if (wire->kill_at) {
        record->kill_at.ns = wire->kill_at->boot_ns;
        record->kill_at_wall.ns = wire->kill_at->wall_ns;
    }
}

static void cleanup_record(struct sk_session_record **record)
{
    sk_session_record_free(*record);
}

enum sk_code sk_session_record_unpack(const uint8_t *data, size_t len, struct sk_session_record **out_record,
                                      struct sk_err *err)
{
    SK_CLEANUP(cleanup_record) struct sk_session_record *record = sk_session_record_new("");
    ProtobufCAllocator allocator = {sk_arena_hook_alloc, sk_arena_hook_free, &record->arena};
    const wire_session *wire = sandkeep__records__v1__session_record__unpack(&allocator, len, data);

    if (!wire)
        return sk_fail(err, SK_DATA_LOSS, "%zu bytes that are not a session", len);
    const char *why = fault(wire);
    if (why)
        return sk_fail(err, SK_DATA_LOSS, "a session with %s", why);
    take(record, wire);
    *out_record = sk_take(record);
    return SK_OK;
}
