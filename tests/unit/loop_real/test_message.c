/* Messages to byte buffers and back. */
#include "rpc/message.h"

#include "google/rpc/status.pb-c.h"

#include <grpc/grpc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

/* A buffer of `len` bytes in slices of `step`. */
static grpc_byte_buffer *buffer_of(const char *bytes, size_t len, size_t step)
{
    grpc_slice slices[16];
    size_t count = 0;

    for (size_t at = 0; at < len; at += step) {
        assert_true(count < sk_array_len(slices));
        slices[count++] = grpc_slice_from_copied_buffer(bytes + at, len - at < step ? len - at : step);
    }
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(slices, count);
    while (count)
        grpc_slice_unref(slices[--count]);
    return buffer;
}

static enum sk_code unpack(struct sk_arena *arena, grpc_byte_buffer *bytes, Google__Rpc__Status **out_status,
                           struct sk_err *err)
{
    ProtobufCMessage *message = NULL;
    enum sk_code code = sk_message_unpack(arena, &google__rpc__status__descriptor, bytes, &message, err);

    *out_status = (Google__Rpc__Status *)message;
    grpc_byte_buffer_destroy(bytes);
    return code;
}

static void test_round_trip(void **state)
{
    struct sk_arena arena = {0};
    Google__Rpc__Status in = GOOGLE__RPC__STATUS__INIT, *out;
    struct sk_err err;

    (void)state;
    in.code = 7;
    in.message = "gr\xc3\xbc\xc3\x9f";
    assert_int_equal(unpack(&arena, sk_message_pack(&in.base), &out, &err), SK_OK);
    assert_int_equal(out->code, 7);
    assert_string_equal(out->message, in.message);
    sk_arena_fini(&arena);
}

static void test_in_pieces_and_empty(void **state)
{
    struct sk_arena arena = {0};
    const char bytes[] = "\x08\x07\x12\x05hello";
    Google__Rpc__Status *out;
    struct sk_err err;

    (void)state;
    assert_int_equal(unpack(&arena, buffer_of(bytes, sizeof(bytes) - 1, 2), &out, &err), SK_OK);
    assert_int_equal(out->code, 7);
    assert_string_equal(out->message, "hello");
    assert_int_equal(unpack(&arena, buffer_of("", 0, 1), &out, &err), SK_OK);
    assert_int_equal(out->code, 0);
    sk_arena_fini(&arena);
}

static void test_keeps_unknown_fields(void **state)
{
    struct sk_arena arena = {0};
    const char bytes[] = "\x08\x07\x9a\x06\x03new";
    Google__Rpc__Status *out;
    struct sk_err err;
    uint8_t packed[32];

    (void)state;
    assert_int_equal(unpack(&arena, buffer_of(bytes, sizeof(bytes) - 1, 64), &out, &err), SK_OK);
    assert_int_equal(protobuf_c_message_get_packed_size(&out->base), sizeof(bytes) - 1);
    assert_int_equal(protobuf_c_message_pack(&out->base, packed), sizeof(bytes) - 1);
    assert_memory_equal(packed, bytes, sizeof(bytes) - 1);
    sk_arena_fini(&arena);
}

/* Sane by its shape, but a number stands where a text belongs. */
static void test_refuses_what_protobuf_refuses(void **state)
{
    struct sk_arena arena = {0};
    Google__Rpc__Status *out;
    struct sk_err err = {0};

    (void)state;
    assert_int_equal(unpack(&arena, buffer_of("\x10\x07", 2, 2), &out, &err), SK_INVALID_ARGUMENT);
    assert_null(out);
    assert_int_equal(unpack(&arena, buffer_of("\x12\x01\xff", 3, 3), &out, &err), SK_INVALID_ARGUMENT);
    assert_null(out);
    sk_arena_fini(&arena);
}

static void test_refuses_compressed_bytes(void **state)
{
    struct sk_arena arena = {0};
    grpc_slice slice = grpc_slice_from_copied_string("whatever");
    grpc_byte_buffer *bytes = grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP);
    Google__Rpc__Status *out;
    struct sk_err err = {0};

    (void)state;
    grpc_slice_unref(slice);
    assert_int_equal(unpack(&arena, bytes, &out, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "compressed"));
    sk_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_in_pieces_and_empty),
        cmocka_unit_test(test_keeps_unknown_fields),
        cmocka_unit_test(test_refuses_what_protobuf_refuses),
        cmocka_unit_test(test_refuses_compressed_bytes),
    };
    grpc_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown();
    return failed;
}
