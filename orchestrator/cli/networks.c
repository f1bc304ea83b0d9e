#include "cli/networks.h"

enum sk_code sk_networks_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                             Sandkeep__V1__Network **out_network, struct sk_fault *fault)
{
    Sandkeep__V1__GetNetworkRequest request = SANDKEEP__V1__GET_NETWORK_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)id;
    enum sk_code code = sk_client_call(client, SK_NETWORK_SERVICE "GetNetwork", &request.base,
                                       &sandkeep__v1__network__descriptor, SK_ABANDON, arena, &answer, fault);
    if (!code)
        *out_network = (Sandkeep__V1__Network *)answer;
    return code;
}

enum sk_code sk_networks_set(struct sk_client *client, const char *id,
                             Coreweave__Sandbox__V1__NetworkOptions *options, struct sk_arena *arena,
                             Sandkeep__V1__Network **out_network, struct sk_fault *fault)
{
    Sandkeep__V1__SetNetworkRequest request = SANDKEEP__V1__SET_NETWORK_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    request.sandbox_id = (char *)id;
    request.network = options;
    enum sk_code code = sk_client_call(client, SK_NETWORK_SERVICE "SetNetwork", &request.base,
                                       &sandkeep__v1__network__descriptor, SK_FINISH, arena, &answer, fault);
    if (!code)
        *out_network = (Sandkeep__V1__Network *)answer;
    return code;
}
