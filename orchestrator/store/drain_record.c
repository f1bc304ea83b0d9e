#include "store/drain_record.h"

#include "sandkeep/records.pb-c.h"

#include <stdio.h>

typedef Sandkeep__Records__V1__DrainRecord wire_drain;

#define PACKED_MAX 128

static void cleanup_wire(wire_drain **wire)
{
    sandkeep__records__v1__drain_record__free_unpacked(*wire, NULL);
}

enum sk_code sk_drain_record_pack(const struct sk_drain_record *record, struct sk_buf *out,
                                  struct sk_err *err)
{
    wire_drain wire = SANDKEEP__RECORDS__V1__DRAIN_RECORD__INIT;
    uint8_t bytes[PACKED_MAX];

    wire.began_wall_ns = record->began.ns;
    wire.deadline_wall_ns = record->deadline.ns;
    wire.stops_sandboxes = record->stops;
    wire.boot_id = (char *)record->boot_id;
    wire.deadline_boot_ns = record->until.ns;
    size_t len = sandkeep__records__v1__drain_record__pack(&wire, bytes); /* 75 bytes at most */
    if (sk_buf_append(out, bytes, len) != SK_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no room for a record of %zu bytes", len);
    return SK_OK;
}

enum sk_code sk_drain_record_unpack(const uint8_t *data, size_t len, struct sk_drain_record *out_record,
                                    struct sk_err *err)
{
    SK_CLEANUP(cleanup_wire)
    wire_drain *wire = sandkeep__records__v1__drain_record__unpack(NULL, len, data);

    if (!wire)
        return sk_fail(err, SK_DATA_LOSS, "a drain's record cannot be read");
    if (wire->began_wall_ns <= 0 || wire->deadline_wall_ns <= 0)
        return sk_fail(err, SK_DATA_LOSS, "a drain's record without its moments");
    *out_record = (struct sk_drain_record){
        .began = {wire->began_wall_ns},
        .deadline = {wire->deadline_wall_ns},
        .until = {wire->deadline_boot_ns},
        .stops = wire->stops_sandboxes,
    };
    (void)snprintf(out_record->boot_id, sizeof(out_record->boot_id), "%s", wire->boot_id);
    return SK_OK;
}
