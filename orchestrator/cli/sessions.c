#include "cli/sessions.h"

#include "cli/boxes.h"

enum sk_code sk_sessions_open(struct sk_client *client, Sandkeep__V1__OpenSessionRequest *request,
                              struct sk_arena *arena, Sandkeep__V1__Session **out_session,
                              struct sk_fault *fault)
{
    struct sk_request_id id = sk_request_id_make();
    ProtobufCMessage *answer = NULL;

    request->request_id = id.text;
    enum sk_code code = sk_client_call(client, SK_SESSION_SERVICE "OpenSession", &request->base,
                                       &sandkeep__v1__session__descriptor, SK_FINISH, arena, &answer, fault);
    if (code)
        return code;
    *out_session = (Sandkeep__V1__Session *)answer;
    if ((*out_session)->session_id[0])
        return SK_OK;
    return sk_fail(&fault->err, SK_INTERNAL, "the server did not say which session it opened");
}

enum sk_code sk_sessions_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                             Sandkeep__V1__Session **out_session, struct sk_fault *fault)
{
    Sandkeep__V1__GetSessionRequest request = SANDKEEP__V1__GET_SESSION_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.session_id = (char *)id;
    enum sk_code code = sk_client_call(client, SK_SESSION_SERVICE "GetSession", &request.base,
                                       &sandkeep__v1__session__descriptor, SK_ABANDON, arena, &answer, fault);
    if (!code)
        *out_session = (Sandkeep__V1__Session *)answer;
    return code;
}

enum sk_code sk_sessions_list(struct sk_client *client, const Sandkeep__V1__ListSessionsRequest *request,
                              struct sk_arena *arena, Sandkeep__V1__ListSessionsResponse **out_page,
                              struct sk_fault *fault)
{
    ProtobufCMessage *answer = NULL;
    enum sk_code code =
        sk_client_call(client, SK_SESSION_SERVICE "ListSessions", &request->base,
                       &sandkeep__v1__list_sessions_response__descriptor, SK_ABANDON, arena, &answer, fault);

    if (!code)
        *out_page = (Sandkeep__V1__ListSessionsResponse *)answer;
    return code;
}

enum sk_code sk_sessions_close(struct sk_client *client, const char *id, int64_t grace_s,
                               struct sk_fault *fault)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Sandkeep__V1__CloseSessionRequest request = SANDKEEP__V1__CLOSE_SESSION_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.session_id = (char *)id;
    request.grace_period_seconds = (int32_t)grace_s;
    request.wait = true;
    /* Whoever waits no longer has closed it all the same. */
    return sk_client_call(client, SK_SESSION_SERVICE "CloseSession", &request.base,
                          &sandkeep__v1__session__descriptor, SK_ABANDON, &arena, &answer, fault);
}
