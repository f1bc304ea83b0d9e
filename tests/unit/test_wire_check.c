/* The check of packed bytes before protobuf-c sees them. Bytes are written by
 * hand; see protobuf.dev/programming-guides/encoding. */
#include "rpc/wire_check.h"

#include "google/protobuf/struct.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "sandkeep/records.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static enum sk_code check(const ProtobufCMessageDescriptor *type, const char *bytes, size_t len,
                          struct sk_err *err)
{
    *err = (struct sk_err){0};
    return sk_wire_check(type, (const uint8_t *)bytes, len, err);
}

#define STATUS(bytes, err) check(&google__rpc__status__descriptor, bytes, sizeof(bytes) - 1, err)

static void test_accepts_what_is_sane(void **state)
{
    struct sk_err err;

    (void)state;
    assert_int_equal(STATUS("", &err), SK_OK);
    assert_int_equal(STATUS("\x08\x05\x12\x03"
                            "abc",
                            &err),
                     SK_OK);
    /* An Any whose bytes are no text. */
    assert_int_equal(STATUS("\x1a\x06\x0a\x01t\x12\x01\xff", &err), SK_OK);
    /* Unknown fields of every wire type. */
    assert_int_equal(STATUS("\x98\x06\x01"
                            "\x99\x06"
                            "12345678"
                            "\x9a\x06\x02\xff\xfe"
                            "\x9d\x06"
                            "1234",
                            &err),
                     SK_OK);
}

static void test_refuses_bad_text(void **state)
{
    struct sk_err err;

    (void)state;
    assert_int_equal(STATUS("\x12\x02\xc3\x28", &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "message is not UTF-8"));
    assert_int_equal(STATUS("\x12\x03"
                            "a\0b",
                            &err),
                     SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "message holds a NUL"));
    /* Inside a repeated message. */
    assert_int_equal(STATUS("\x1a\x03\x0a\x01\xff", &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "type_url"));
}

static void test_refuses_broken_bytes(void **state)
{
    struct sk_err err;

    (void)state;
    assert_int_equal(STATUS("\x08", &err), SK_INVALID_ARGUMENT); /* no value */
    assert_int_equal(STATUS("\x12\x05"                           /* shorter than it says */
                            "ab",
                            &err),
                     SK_INVALID_ARGUMENT);
    assert_int_equal(STATUS("\x12\xff\xff\xff\xff\xff\xff\x01", &err), SK_INVALID_ARGUMENT);
    assert_int_equal(STATUS("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", &err), SK_INVALID_ARGUMENT);
    assert_int_equal(STATUS("\x9b\x06\x9c\x06", &err), SK_INVALID_ARGUMENT); /* a group */
    assert_int_equal(STATUS("\x02\x00", &err), SK_INVALID_ARGUMENT);         /* field 0 */
    assert_int_equal(STATUS("\x1d"
                            "123",
                            &err),
                     SK_INVALID_ARGUMENT);
}

/* {list_value: {values: [{list_value: ...}]}}, `depth` messages deep. */
static size_t nest(char *out, size_t room, unsigned depth)
{
    char inner[512];
    size_t len = 0;

    for (unsigned i = 1; i < depth; i++) {
        char tag = (depth - i) % 2 ? '\x32' : '\x0a';
        size_t n = 0;
        memcpy(inner, out, len);
        out[n++] = tag;
        if (len > 127) {
            out[n++] = (char)(0x80 | (len & 0x7f));
            out[n++] = (char)(len >> 7);
        } else {
            out[n++] = (char)len;
        }
        assert_true(n + len < room);
        memcpy(out + n, inner, len);
        len += n;
    }
    return len;
}

static void test_caps_nesting(void **state)
{
    char bytes[512];
    struct sk_err err;

    (void)state;
    size_t len = nest(bytes, sizeof(bytes), SK_WIRE_DEPTH_MAX);
    assert_int_equal(check(&google__protobuf__value__descriptor, bytes, len, &err), SK_OK);
    len = nest(bytes, sizeof(bytes), SK_WIRE_DEPTH_MAX + 1);
    assert_int_equal(check(&google__protobuf__value__descriptor, bytes, len, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "nested too deeply"));
}

static void test_refuses_a_message_given_twice(void **state)
{
    struct sk_err err;
    const char once[] = "\x3a\x00", twice[] = "\x3a\x00\x3a\x00";

    (void)state;
    assert_int_equal(check(&sandkeep__records__v1__sandbox_record__descriptor, once, 2, &err), SK_OK);
    assert_int_equal(check(&sandkeep__records__v1__sandbox_record__descriptor, twice, 4, &err),
                     SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "spec is given twice"));
}

/* Two bytes on the wire are a hundred in memory. */
static void test_caps_what_unpacking_would_need(void **state)
{
    size_t len = 2 * 1000 * 1000;
    char *bytes = sk_alloc(len);
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < len; i += 2)
        bytes[i] = '\x1a';
    assert_int_equal(check(&google__rpc__status__descriptor, bytes, 2000, &err), SK_OK);
    assert_int_equal(check(&google__rpc__status__descriptor, bytes, len, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "too many fields"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_is_sane),
        cmocka_unit_test(test_refuses_bad_text),
        cmocka_unit_test(test_refuses_broken_bytes),
        cmocka_unit_test(test_caps_nesting),
        cmocka_unit_test(test_refuses_a_message_given_twice),
        cmocka_unit_test(test_caps_what_unpacking_would_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
