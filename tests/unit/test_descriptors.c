/* What the embedded descriptors say, and what reflection makes of it. */
#include "support/fake_call.h"

#include "api/descriptors.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#define REFLECT "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

typedef Grpc__Reflection__V1__ServerReflectionRequest request_message;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_message;

#define ASKS(value)    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##value
#define ANSWERS(value) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##value

static bool knows(const char *symbol)
{
    struct sk_packed file;
    return sk_descriptor_find_symbol(sk_descriptors(), symbol, &file);
}

static void every_service_and_method_is_there(void **state)
{
    (void)state;
    const ProtobufCServiceDescriptor *service = NULL;
    for (size_t i = 0; (service = sk_method_service(i)); i++) {
        assert_true(knows(service->name));
        for (unsigned m = 0; m < service->n_methods; m++) {
            char name[256];
            (void)snprintf(name, sizeof(name), "%s.%s", service->name, service->methods[m].name);
            assert_true(knows(name));
            assert_true(knows(service->methods[m].input->name));
            assert_true(knows(service->methods[m].output->name));
        }
    }
}

static void names_of_all_kinds_are_found(void **state)
{
    (void)state;
    const char *const there[] = {
        "sandkeep.v1.DrainRequest.Sandboxes",
        "sandkeep.v1.DrainRequest.SANDBOXES_LEAVE",
        "sandkeep.v1.NODE_STATE_DRAINED",
        "sandkeep.v1.NodeStatus.node_id",
        "sandkeep.v1.NodeStatus.SandboxesByStateEntry",
        "google.protobuf.Timestamp",
        "grpc.reflection.v1.ServerReflectionRequest.message_request",
    };
    const char *const not_there[] = {
        "",
        ".",
        "sandkeep",
        "sandkeep.v1",
        "sandkeep.v1.",
        "sandkeep.v1.NodeStatu",
        "sandkeep.v1.NodeStatus.",
        "sandkeep.v1.NodeStatus.node",
        "sandkeep.v1.NodeStatus.node_id.x",
        "node_id",
        ".sandkeep.v1.NodeStatus",
        "sandkeep.v1.DrainRequest.Sandboxes.SANDBOXES_LEAVE",
        "sandkeep.records.v1.SandboxRecord",
        "containerd.services.tasks.v1.Tasks",
        "sandkeep.v1..NodeStatus",
    };
    for (size_t i = 0; i < sk_array_len(there); i++)
        if (!knows(there[i]))
            fail_msg("%s is not found", there[i]);
    for (size_t i = 0; i < sk_array_len(not_there); i++)
        if (knows(not_there[i]))
            fail_msg("%s is found", not_there[i]);
}

static void files_bring_what_they_import(void **state)
{
    (void)state;
    struct sk_packed file;
    struct sk_packed files[SK_DESCRIPTOR_FILES_MAX];
    assert_true(sk_descriptor_find_file(sk_descriptors(), "sandkeep/node.proto", &file));
    size_t count = sk_descriptor_closure(sk_descriptors(), file, files);
    assert_in_range(count, 3, 6); /* itself, duration, timestamp */
    assert_ptr_equal(files[0].data, file.data);
    assert_false(sk_descriptor_find_file(sk_descriptors(), "sandkeep/node", &file));
    assert_false(sk_descriptor_find_file(sk_descriptors(), "", &file));
}

/* However the bytes are cut, nothing beyond them is read. */
static void broken_bytes_say_less(void **state)
{
    (void)state;
    struct sk_packed all = sk_descriptors();
    struct sk_packed file;
    assert_true(all.len < (size_t)1 << 20);
    for (size_t len = 0; len < all.len; len += 1 + all.len / 200) {
        uint8_t *copy = sk_alloc(len + 1);
        memcpy(copy, all.data, len);
        struct sk_packed cut = {copy, len};
        (void)sk_descriptor_find_symbol(cut, "sandkeep.v1.NodeStatus.nothing", &file);
        (void)sk_descriptor_find_file(cut, "nothing", &file);
        free(copy);
    }
}

/* --- the stream ---------------------------------------------------------------------- */

struct rig {
    struct world w;
    struct sk_server_call rpc;
};

static int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    world_init(&rig->w);
    fake_begin(&rig->rpc, &rig->w, REFLECT, NULL);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    fake_fini(&rig->rpc);
    world_fini(&rig->w);
    free(rig);
    return 0;
}

static const response_message *ask(struct rig *rig, int what, const char *text)
{
    request_message in = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;

    in.host = "here";
    in.message_request_case = (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)what;
    in.list_services = (char *)text; /* they share their place */
    extension.containing_type = (char *)text;
    if (what == ASKS(FILE_CONTAINING_EXTENSION))
        in.file_containing_extension = &extension;
    fake_say(&rig->rpc, &in.base);
    world_settle(&rig->w);
    assert_true(rig->rpc.sent_count > 0);
    return (const void *)rig->rpc.sent[rig->rpc.sent_count - 1];
}

static void must_fail(struct rig *rig, int what, const char *text, int code)
{
    const response_message *out = ask(rig, what, text);

    assert_int_equal(out->message_response_case, ANSWERS(ERROR_RESPONSE));
    assert_int_equal(out->error_response->error_code, code);
    assert_false(rig->rpc.over); /* the stream goes on */
}

static void a_stream_answers_what_it_is_asked(void **state)
{
    struct rig *rig = *state;
    const response_message *out = ask(rig, ASKS(LIST_SERVICES), "");
    bool listed = false;

    assert_int_equal(out->message_response_case, ANSWERS(LIST_SERVICES_RESPONSE));
    assert_string_equal(out->valid_host, "here");
    assert_int_equal(out->original_request->message_request_case, ASKS(LIST_SERVICES));
    for (size_t i = 0; i < out->list_services_response->n_service; i++) {
        const char *name = out->list_services_response->service[i]->name;
        listed |= strcmp(name, "grpc.reflection.v1alpha.ServerReflection") == 0;
        assert_string_not_equal(name, "coreweave.sandbox.v1.VolumeService"); /* nothing of it is there */
    }
    assert_true(listed);
    out = ask(rig, ASKS(FILE_CONTAINING_SYMBOL), "sandkeep.v1.NodeService");
    assert_int_equal(out->message_response_case, ANSWERS(FILE_DESCRIPTOR_RESPONSE));
    assert_in_range(out->file_descriptor_response->n_file_descriptor_proto, 3, 6);
    out = ask(rig, ASKS(FILE_BY_FILENAME), "google/protobuf/timestamp.proto");
    assert_int_equal(out->file_descriptor_response->n_file_descriptor_proto, 1);
    out = ask(rig, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "sandkeep.v1.NodeStatus");
    assert_int_equal(out->message_response_case, ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE));
    assert_int_equal(out->all_extension_numbers_response->n_extension_number, 0);
    fake_say(&rig->rpc, NULL);
    assert_int_equal(rig->rpc.code, SK_OK);
}

static void what_is_not_there_is_told(void **state)
{
    struct rig *rig = *state;

    must_fail(rig, ASKS(FILE_BY_FILENAME), "../../etc/passwd", 5);
    must_fail(rig, ASKS(FILE_CONTAINING_SYMBOL), "nothing", 5);
    must_fail(rig, ASKS(FILE_CONTAINING_EXTENSION), "sandkeep.v1.NodeStatus", 5);
    must_fail(rig, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "nothing", 5);
    must_fail(rig, 0, NULL, 3);
    fake_cancel(&rig->rpc);
}

static void a_long_question_ends_the_stream(void **state)
{
    struct rig *rig = *state;
    request_message in = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    in.message_request_case = ASKS(FILE_CONTAINING_SYMBOL);
    in.file_containing_symbol = text;
    fake_say(&rig->rpc, &in.base);
    assert_true(rig->rpc.over);
    assert_int_equal(rig->rpc.code, SK_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_and_method_is_there),
        cmocka_unit_test(names_of_all_kinds_are_found),
        cmocka_unit_test(files_bring_what_they_import),
        cmocka_unit_test(broken_bytes_say_less),
        cmocka_unit_test_setup_teardown(a_stream_answers_what_it_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_question_ends_the_stream, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
