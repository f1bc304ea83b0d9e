#include "store/key_records.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "sandkeep/records.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Sandkeep__Records__V1__KeyRecord wire_key;

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

enum sk_code sk_key_record_pack(const struct sk_key_record *record, struct sk_buf *out, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    wire_key wire;

    sandkeep__records__v1__key_record__init(&wire);
    wire.id = borrow(record->id);
    wire.digest = (ProtobufCBinaryData){SK_DIGEST_LEN, (uint8_t *)(uintptr_t)record->digest};
    wire.tenant = borrow(record->tenant);
    wire.name = borrow(record->name);
    wire.is_admin = record->is_admin;
    wire.created_wall_ns = record->created.ns;
    wire.used_wall_ns = record->used.ns;
    wire.revoked_wall_ns = record->revoked.ns;
    uint8_t *bytes = sk_arena_alloc(&scratch, sandkeep__records__v1__key_record__get_packed_size(&wire) + 1);
    size_t len = sandkeep__records__v1__key_record__pack(&wire, bytes);
    return sk_buf_append(out, bytes, len) == SK_OK
               ? SK_OK
               : sk_fail(err, SK_RESOURCE_EXHAUSTED, "a key of %zu bytes", len);
}

/* What is wrong with the message, or NULL. */
static const char *fault(const wire_key *wire)
{
    if (!sk_key_id_is_valid(wire->id))
        return "an id of the wrong shape";
    if (wire->digest.len != SK_DIGEST_LEN)
        return "a digest of the wrong length";
    if (!sk_tenant_is_valid(wire->tenant))
        return "a tenant of the wrong shape";
    if (strlen(wire->name) > SK_KEY_NAME_MAX || !sk_utf8_is_valid(wire->name, strlen(wire->name)))
        return "a name of the wrong shape";
    return NULL;
}

enum sk_code sk_key_record_unpack(const uint8_t *data, size_t len, struct sk_key_record *out_record,
                                  struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCAllocator allocator = {sk_arena_hook_alloc, sk_arena_hook_free, &arena};
    const wire_key *wire = sandkeep__records__v1__key_record__unpack(&allocator, len, data);

    if (!wire)
        return sk_fail(err, SK_DATA_LOSS, "%zu bytes that are not a key", len);
    const char *why = fault(wire);
    if (why)
        return sk_fail(err, SK_DATA_LOSS, "a key with %s", why);
    *out_record = (struct sk_key_record){
        .is_admin = wire->is_admin,
        .created = {wire->created_wall_ns},
        .used = {wire->used_wall_ns},
        .revoked = {wire->revoked_wall_ns},
    };
    memcpy(out_record->digest, wire->digest.data, SK_DIGEST_LEN);
    (void)snprintf(out_record->id, sizeof(out_record->id), "%s", wire->id);
    (void)snprintf(out_record->tenant, sizeof(out_record->tenant), "%s", wire->tenant);
    (void)snprintf(out_record->name, sizeof(out_record->name), "%s", wire->name);
    return SK_OK;
}
