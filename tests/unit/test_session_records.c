/* Sessions' records: what goes in comes out, and bytes are never trusted. */
#include "store/session_records.h"

#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sk_session_record *full(void)
{
    struct sk_id id = sk_id_make_session("abcdefghij12");
    struct sk_session_record *record = sk_session_record_new(id.text);

    record->owner = "key";
    record->request_id = "r-1";
    memset(record->request_hash, 9, sizeof(record->request_hash));
    record->display_name = "gr\xc3\xbc\xc3\x9f";
    record->defaults = (const uint8_t *)"\xff\x00\x01";
    record->defaults_len = 3;
    record->idle_timeout_seconds = 1;
    record->max_sandboxes = 2;
    record->lease_seconds = 3;
    record->expire_grace_seconds = 4;
    record->state = SK_SESSION_CLOSING;
    sk_session_record_set_reason(record, "why\xff");
    record->created.ns = 5;
    record->closed.ns = 6;
    record->pruned_sandboxes = 7;
    record->boot_id = "boot";
    record->kill_at.ns = 8;
    record->kill_at_wall.ns = 9;
    return record;
}

static void test_round_trip(void **state)
{
    struct sk_session_record *in = full(), *out = NULL;
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, 4096);
    assert_int_equal(sk_session_record_pack(in, &bytes, NULL), SK_OK);
    assert_int_equal(sk_session_record_unpack(bytes.data, bytes.len, &out, NULL), SK_OK);
    sk_buf_fini(&bytes);
    assert_string_equal(out->id, in->id);
    assert_string_equal(out->owner, "key");
    assert_string_equal(out->request_id, "r-1");
    assert_memory_equal(out->request_hash, in->request_hash, sizeof(in->request_hash));
    assert_string_equal(out->display_name, in->display_name);
    assert_int_equal(out->defaults_len, 3);
    assert_memory_equal(out->defaults, "\xff\x00\x01", 3);
    assert_int_equal(out->idle_timeout_seconds, 1);
    assert_int_equal(out->max_sandboxes, 2);
    assert_int_equal(out->lease_seconds, 3);
    assert_int_equal(out->expire_grace_seconds, 4);
    assert_int_equal(out->state, SK_SESSION_CLOSING);
    assert_string_equal(out->state_reason, "why\xef\xbf\xbd");
    assert_int_equal(out->created.ns, 5);
    assert_int_equal(out->closed.ns, 6);
    assert_int_equal(out->pruned_sandboxes, 7);
    assert_string_equal(out->boot_id, "boot");
    assert_int_equal(out->kill_at.ns, 8);
    assert_int_equal(out->kill_at_wall.ns, 9);
    sk_session_record_free(in);
    sk_session_record_free(out);
}

static void assert_refused(struct sk_session_record *record)
{
    struct sk_buf bytes;
    struct sk_err err = {0};

    sk_buf_init(&bytes, 4096);
    assert_int_equal(sk_session_record_pack(record, &bytes, &err), SK_INVALID_ARGUMENT);
    sk_buf_fini(&bytes);
    sk_session_record_free(record);
}

static void test_faults(void **state)
{
    struct sk_session_record *record;

    (void)state;
    (record = full())->id = "abc-aaaaaaaaaaaaaaaaaaaaaaaaaa"; /* a sandbox's */
    assert_refused(record);
    (record = full())->lease_seconds = 0;
    assert_refused(record);
    (record = full())->max_sandboxes = -1;
    assert_refused(record);
    (record = full())->idle_timeout_seconds = -1;
    assert_refused(record);
    (record = full())->pruned_sandboxes = -1;
    assert_refused(record);
    (record = full())->state = (enum sk_session_state)4;
    assert_refused(record);
    (record = full())->display_name = "\xff";
    assert_refused(record);
}

/* What another hand has written: cut anywhere and with any byte changed, it is read or refused. */
static void test_hostile_bytes(void **state)
{
    struct sk_session_record *record = full(), *out;
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, 4096);
    assert_int_equal(sk_session_record_pack(record, &bytes, NULL), SK_OK);
    for (size_t at = 0; at < bytes.len; at++) {
        out = NULL;
        if (sk_session_record_unpack(bytes.data, at, &out, NULL) == SK_OK)
            sk_session_record_free(out);
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (uint8_t)(1u << bit);
            if (sk_session_record_unpack(bytes.data, bytes.len, &out, NULL) == SK_OK) {
                assert_true(sk_id_is_session(out->id));
                assert_true(out->lease_seconds > 0);
                sk_session_record_free(out);
            }
            bytes.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(sk_session_record_unpack((const uint8_t *)"", 0, &out, NULL), SK_DATA_LOSS);
    sk_buf_fini(&bytes);
    sk_session_record_free(record);
}

static void test_ceiling(void **state)
{
    struct sk_session_record *record = full();
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, 10);
    assert_int_equal(sk_session_record_pack(record, &bytes, NULL), SK_RESOURCE_EXHAUSTED);
    sk_buf_fini(&bytes);
    sk_session_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
