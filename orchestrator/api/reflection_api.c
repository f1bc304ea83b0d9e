/* reflection_api.c: grpc.reflection, v1 and v1alpha: what services there are, and what their messages look
 * like.
 *
 * The two versions differ in their names alone, so both are spoken with the messages of v1. Nothing depends
 * on who asks, and an answer is made when the one before it has been taken. */
#include "api/descriptors.h"
#include "api/handlers.h"
#include "rpc/message.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#define REQUEST_MAX 4096

#define ASKS(value)    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##value
#define ANSWERS(value) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##value

typedef Grpc__Reflection__V1__ServerReflectionRequest request_message;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_message;

/* Of gRPC's codes. */
enum { CODE_INVALID_ARGUMENT = 3, CODE_NOT_FOUND = 5 };

static void say_fault(struct sk_arena *arena, response_message *out, int code, const char *text)
{
    out->error_response = sk_pb_new(arena, &grpc__reflection__v1__error_response__descriptor);
    out->error_response->error_code = code;
    out->error_response->error_message = (char *)text;
    out->message_response_case = ANSWERS(ERROR_RESPONSE);
}

/* --- answers ---------------------------------------------------------------------- */

static void say_services(struct sk_arena *arena, response_message *out)
{
    Grpc__Reflection__V1__ListServiceResponse *list =
        sk_pb_new(arena, &grpc__reflection__v1__list_service_response__descriptor);
    const ProtobufCServiceDescriptor *service = NULL;
    size_t count = 0;
    while (sk_method_service(count))
        count++;
    list->service = sk_arena_alloc(arena, (count + 1) * sizeof(list->service[0]));
    for (size_t i = 0; (service = sk_method_service(i)); i++) {
        if (!sk_method_is_any_handled(service))
            continue;
        Grpc__Reflection__V1__ServiceResponse *one =
            sk_pb_new(arena, &grpc__reflection__v1__service_response__descriptor);
        one->name = sk_arena_strdup(arena, service->name);
        list->service[list->n_service++] = one;
    }
    out->list_services_response = list;
    out->message_response_case = ANSWERS(LIST_SERVICES_RESPONSE);
}

static void say_file(struct sk_arena *arena, response_message *out, struct sk_packed file)
{
    Grpc__Reflection__V1__FileDescriptorResponse *answer =
        sk_pb_new(arena, &grpc__reflection__v1__file_descriptor_response__descriptor);
    struct sk_packed files[SK_DESCRIPTOR_FILES_MAX];
    size_t count = sk_descriptor_closure(sk_descriptors(), file, files);
    answer->file_descriptor_proto = sk_arena_alloc(arena, count * sizeof(answer->file_descriptor_proto[0]));
    for (size_t i = 0; i < count; i++)
        answer->file_descriptor_proto[answer->n_file_descriptor_proto++] =
            (ProtobufCBinaryData){files[i].len, (uint8_t *)files[i].data};
    out->file_descriptor_response = answer;
    out->message_response_case = ANSWERS(FILE_DESCRIPTOR_RESPONSE);
}

static void say_file_called(struct sk_arena *arena, response_message *out, const char *name)
{
    struct sk_packed file;
    if (sk_descriptor_find_file(sk_descriptors(), name, &file))
        say_file(arena, out, file);
    else
        say_fault(arena, out, CODE_NOT_FOUND, "there is no such file");
}

static void say_file_with(struct sk_arena *arena, response_message *out, const char *symbol)
{
    struct sk_packed file;
    if (sk_descriptor_find_symbol(sk_descriptors(), symbol, &file))
        say_file(arena, out, file);
    else
        say_fault(arena, out, CODE_NOT_FOUND, "there is no such symbol");
}

/* Nothing of ours is extended. */
static void say_extensions(struct sk_arena *arena, response_message *out, const char *type)
{
    struct sk_packed file;
    if (!sk_descriptor_find_symbol(sk_descriptors(), type, &file)) {
        say_fault(arena, out, CODE_NOT_FOUND, "there is no such type");
        return;
    }
    out->all_extension_numbers_response =
        sk_pb_new(arena, &grpc__reflection__v1__extension_number_response__descriptor);
    out->all_extension_numbers_response->base_type_name = (char *)type;
    out->message_response_case = ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE);
}

static void answer(struct sk_arena *arena, request_message *in, response_message *out)
{
    out->valid_host = in->host;
    out->original_request = in;
    switch (in->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
        say_file_called(arena, out, in->file_by_filename);
        break;
    case ASKS(FILE_CONTAINING_SYMBOL):
        say_file_with(arena, out, in->file_containing_symbol);
        break;
    case ASKS(FILE_CONTAINING_EXTENSION):
        say_fault(arena, out, CODE_NOT_FOUND, "there are no extensions");
        break;
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        say_extensions(arena, out, in->all_extension_numbers_of_type);
        break;
    case ASKS(LIST_SERVICES):
        say_services(arena, out);
        break;
    default:
        say_fault(arena, out, CODE_INVALID_ARGUMENT, "the request asks for nothing that is known here");
    }
}

/* --- the stream ---------------------------------------------------------------------- */

/* NULL: err says why. */
static request_message *unpack(struct sk_arena *arena, grpc_byte_buffer *bytes, struct sk_err *err)
{
    ProtobufCMessage *message = NULL;
    if (grpc_byte_buffer_length(bytes) > REQUEST_MAX) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "a question is longer than %d bytes", REQUEST_MAX);
        return NULL;
    }
    enum sk_code code = sk_message_unpack(arena, &grpc__reflection__v1__server_reflection_request__descriptor,
                                          bytes, &message, err);
    return code == SK_OK ? (void *)message : NULL;
}

/* A stream may last: its messages must not pile up in the call's arena. */
static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct sk_call *call = arg;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_err err = {0};
    request_message *in = bytes ? unpack(&arena, bytes, &err) : NULL;
    if (!bytes) {
        sk_call_reply(call, NULL);
    } else if (!in) {
        sk_call_fail(call, &err);
    } else {
        response_message out;
        grpc__reflection__v1__server_reflection_response__init(&out);
        answer(&arena, in, &out);
        sk_server_call_send(call->rpc, &out.base);
    }
}

static void on_sent(void *arg)
{
    sk_server_call_want(((struct sk_call *)arg)->rpc);
}

static void on_cancel(void *arg)
{
    struct sk_call *call = arg;
    struct sk_err err = {0};
    sk_call_gone(call, &err);
    sk_call_fail(call, &err);
}

void sk_reflect(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    sk_server_call_set(call->rpc, &events, call);
    sk_server_call_want(call->rpc);
}
