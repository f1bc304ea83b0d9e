#include "cli/boxes.h"

#include "base/random.h"

#include <stdio.h>

#define POLL SK_MSEC(50)

struct sk_request_id sk_request_id_make(void)
{
    uint8_t b[16];
    struct sk_request_id id;

    sk_random(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    (void)snprintf(id.text, sizeof(id.text),
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return id;
}

enum sk_code sk_boxes_create(struct sk_client *client, Coreweave__Sandbox__V1__SandboxSpec *spec,
                             struct sk_arena *arena, sk_shown **out_box, struct sk_fault *fault)
{
    sk_shown box = COREWEAVE__SANDBOX__V1__SANDBOX__INIT;
    Coreweave__Sandbox__V1__CreateSandboxRequest request =
        COREWEAVE__SANDBOX__V1__CREATE_SANDBOX_REQUEST__INIT;
    struct sk_request_id id = sk_request_id_make();
    ProtobufCMessage *answer = NULL;

    box.spec = spec;
    request.sandbox = &box;
    request.request_id = id.text;
    /* Given up half-way it might exist all the same, and nobody would know its id. */
    enum sk_code code =
        sk_client_call(client, "CreateSandbox", &request.base, &coreweave__sandbox__v1__sandbox__descriptor,
                       SK_FINISH, arena, &answer, fault);
    if (!code)
        *out_box = (sk_shown *)answer;
    return code;
}

enum sk_code sk_boxes_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                          sk_shown **out_box, struct sk_fault *fault)
{
    Coreweave__Sandbox__V1__GetSandboxRequest request = COREWEAVE__SANDBOX__V1__GET_SANDBOX_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)id;
    enum sk_code code =
        sk_client_call(client, "GetSandbox", &request.base, &coreweave__sandbox__v1__sandbox__descriptor,
                       SK_ABANDON, arena, &answer, fault);
    if (!code)
        *out_box = (sk_shown *)answer;
    return code;
}

enum sk_code sk_boxes_delete(struct sk_client *client, const char *id, int32_t grace_s, bool allow_missing,
                             struct sk_arena *arena, sk_shown **out_box, struct sk_fault *fault)
{
    Coreweave__Sandbox__V1__DeleteSandboxRequest request =
        COREWEAVE__SANDBOX__V1__DELETE_SANDBOX_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)id;
    request.grace_period_seconds = grace_s;
    request.allow_missing = allow_missing;
    enum sk_code code = sk_client_call(client, "DeleteSandbox", &request.base,
                                       &coreweave__sandbox__v1__delete_sandbox_response__descriptor,
                                       SK_FINISH, arena, &answer, fault);
    if (!code)
        *out_box = ((Coreweave__Sandbox__V1__DeleteSandboxResponse *)answer)->sandbox;
    return code;
}

enum sk_code sk_boxes_list(struct sk_client *client,
                           const Coreweave__Sandbox__V1__ListSandboxesRequest *request,
                           struct sk_arena *arena, Coreweave__Sandbox__V1__ListSandboxesResponse **out_page,
                           struct sk_fault *fault)
{
    ProtobufCMessage *answer = NULL;
    enum sk_code code = sk_client_call(client, "ListSandboxes", &request->base,
                                       &coreweave__sandbox__v1__list_sandboxes_response__descriptor,
                                       SK_ABANDON, arena, &answer, fault);

    if (!code)
        *out_page = (Coreweave__Sandbox__V1__ListSandboxesResponse *)answer;
    return code;
}

enum sk_code sk_boxes_await(struct sk_client *client, const char *id,
                            bool (*leave)(Coreweave__Sandbox__V1__State state), struct sk_arena *arena,
                            sk_shown **out_box, struct sk_fault *fault)
{
    int signo = client->signo; /* an older one is why we wait, not a reason to stop */
    sk_shown *box = NULL;

    for (;;) {
        sk_arena_fini(arena); /* of the look before */
        enum sk_code code = sk_boxes_get(client, id, arena, &box, fault);
        if (code)
            return code;
        if (leave(sk_box_state(box)))
            break;
        sk_client_sleep(client, POLL);
        if (client->signo != signo) {
            *fault = (struct sk_fault){0};
            return sk_fail(&fault->err, SK_CANCELLED, "interrupted");
        }
    }
    *out_box = box;
    return SK_OK;
}
