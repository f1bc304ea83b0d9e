#include "cli/files.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

#include <string.h>

enum sk_code sk_files_read(struct sk_client *client, const char *sandbox_id, const char *path,
                           struct sk_arena *arena, ProtobufCBinaryData *out_content, struct sk_fault *fault)
{
    Coreweave__Sandbox__V1__ReadFileRequest request = COREWEAVE__SANDBOX__V1__READ_FILE_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)sandbox_id;
    request.path = (char *)path;
    enum sk_code code = sk_client_call(client, "ReadFile", &request.base,
                                       &coreweave__sandbox__v1__read_file_response__descriptor, SK_ABANDON,
                                       arena, &answer, fault);
    if (code)
        return sk_err_wrap(&fault->err, "%s", path);
    *out_content = ((Coreweave__Sandbox__V1__ReadFileResponse *)answer)->content;
    return SK_OK;
}

enum sk_code sk_files_write(struct sk_client *client, const char *sandbox_id, const char *path,
                            const ProtobufCBinaryData *content, struct sk_fault *fault)
{
    Coreweave__Sandbox__V1__WriteFileRequest request = COREWEAVE__SANDBOX__V1__WRITE_FILE_REQUEST__INIT;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)sandbox_id;
    request.path = (char *)path;
    request.content = *content;
    enum sk_code code = sk_client_call(client, "WriteFile", &request.base,
                                       &coreweave__sandbox__v1__write_file_response__descriptor, SK_ABANDON,
                                       &arena, &answer, fault);
    return code ? sk_err_wrap(&fault->err, "%s", path) : SK_OK;
}

bool sk_files_is_too_large(const struct sk_fault *fault)
{
    return strcmp(fault->reason, "CWSANDBOX_FILE_TOO_LARGE") == 0;
}
