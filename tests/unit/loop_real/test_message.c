/* Messages to byte buffers and back. */
#include "rpc/message.h"

#include "google/rpc/status.pb-c.h"

#include <grpc/byte_buffer_reader.h>
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

/* A field of bytes in the midst of a message within a message, of any size, is what it would be by a copy. */
static void test_taking(void **state)
{
    static const size_t sizes[] = {0, 1, 8191, 8192, 300000};

    (void)state;
    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        Google__Protobuf__Any detail = GOOGLE__PROTOBUF__ANY__INIT, other = GOOGLE__PROTOBUF__ANY__INIT;
        Google__Protobuf__Any *details[] = {&detail, &other};
        Google__Rpc__Status in = GOOGLE__RPC__STATUS__INIT;
        uint8_t *data = sk_realloc(NULL, sizes[i] + 1);
        memset(data, 'x', sizes[i] + 1);
        in.code = 7;
        in.n_details = 2;
        in.details = details;
        detail.type_url = "first";
        detail.value = (ProtobufCBinaryData){sizes[i], data};
        other.type_url = "second";
        grpc_byte_buffer *wanted = sk_message_pack(&in.base);
        grpc_byte_buffer *got = sk_message_pack_taking(&in.base, data, sizes[i]);
        grpc_byte_buffer_reader readers[2];
        assert_true(grpc_byte_buffer_reader_init(&readers[0], wanted));
        assert_true(grpc_byte_buffer_reader_init(&readers[1], got));
        grpc_slice all[] = {grpc_byte_buffer_reader_readall(&readers[0]),
                            grpc_byte_buffer_reader_readall(&readers[1])};
        assert_true(grpc_slice_eq(all[0], all[1]));
        assert_int_equal(got->data.raw.slice_buffer.count > 1, sizes[i] >= 8192);
        for (int k = 0; k < 2; k++) {
            grpc_slice_unref(all[k]);
            grpc_byte_buffer_reader_destroy(&readers[k]);
        }
        grpc_byte_buffer_destroy(wanted);
        grpc_byte_buffer_destroy(got);
    }
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

/* --- big fields, which are not copied ---------------------------------------------- */

enum { LARGE = 300000 };

struct any_parts {
    uint8_t *bytes;
    size_t len;
};

static void add(struct any_parts *to, const char *type_url, const char *fill, size_t value_len)
{
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    any.type_url = (char *)(uintptr_t)type_url;
    any.value.len = value_len;
    any.value.data = sk_alloc(value_len + 1);
    memset(any.value.data, fill[0], value_len);
    to->bytes = sk_realloc(to->bytes, to->len + value_len + 100);
    to->len += protobuf_c_message_pack(&any.base, to->bytes + to->len);
    free(any.value.data);
}

/* The last one of each field counts, big or small, before or behind others. */
static void test_big_bytes(void **state)
{
    static const struct {
        const char *urls[3];
        size_t lens[3];
        const char *url;
        size_t expected;
        char fill;
    } cases[] = {
        {{"u"}, {LARGE}, "u", LARGE, 'a'},
        {{""}, {LARGE}, "", LARGE, 'a'},
        {{"u", "v"}, {LARGE, LARGE + 1}, "v", LARGE + 1, 'b'},
        {{"u", "v"}, {LARGE, 5}, "v", 5, 'b'},
        {{"u", "v"}, {5, LARGE}, "v", LARGE, 'b'},
        {{"u", "v", "w"}, {LARGE, 5, LARGE}, "w", LARGE, 'c'},
        {{"u", "v", "w"}, {LARGE, LARGE, 1}, "w", 1, 'c'},
    };
    (void)state;
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        struct sk_arena arena = {0};
        struct any_parts parts = {0};
        ProtobufCMessage *message = NULL;
        for (size_t n = 0; n < 3 && cases[i].urls[n]; n++)
            add(&parts, cases[i].urls[n], &"abc"[n], cases[i].lens[n]);
        grpc_byte_buffer *buffer = buffer_of((char *)parts.bytes, parts.len, parts.len / 7 + 1);
        assert_int_equal(
            sk_message_unpack(&arena, &google__protobuf__any__descriptor, buffer, &message, NULL), SK_OK);
        grpc_byte_buffer_destroy(buffer); /* nothing is borrowed from it */
        const Google__Protobuf__Any *any = (const void *)message;
        assert_string_equal(any->type_url, cases[i].url);
        assert_int_equal(any->value.len, cases[i].expected);
        assert_int_equal(any->value.data[0], cases[i].fill);
        assert_int_equal(any->value.data[any->value.len - 1], cases[i].fill);
        sk_arena_fini(&arena);
        free(parts.bytes);
    }
}

static void test_big_and_broken(void **state)
{
    struct sk_arena arena = {0};
    struct any_parts parts = {0};
    ProtobufCMessage *message = NULL;
    struct sk_err err;
    (void)state;
    add(&parts, "\xff", "a", LARGE);
    grpc_byte_buffer *buffer = buffer_of((char *)parts.bytes, parts.len, parts.len);
    assert_int_equal(sk_message_unpack(&arena, &google__protobuf__any__descriptor, buffer, &message, &err),
                     SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "UTF-8"));
    grpc_byte_buffer_destroy(buffer);
    buffer = buffer_of((char *)parts.bytes, parts.len - 1, parts.len);
    assert_int_equal(sk_message_unpack(&arena, &google__protobuf__any__descriptor, buffer, &message, &err),
                     SK_INVALID_ARGUMENT);
    grpc_byte_buffer_destroy(buffer);
    assert_null(message);
    sk_arena_fini(&arena);
    free(parts.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_taking),
        cmocka_unit_test(test_in_pieces_and_empty),
        cmocka_unit_test(test_keeps_unknown_fields),
        cmocka_unit_test(test_refuses_what_protobuf_refuses),
        cmocka_unit_test(test_refuses_compressed_bytes),
        cmocka_unit_test(test_big_bytes),
        cmocka_unit_test(test_big_and_broken),
    };
    grpc_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown();
    return failed;
}
