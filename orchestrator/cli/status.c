#include "cli/node_output.h"
#include "cli/nodes.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

enum sk_code sk_nodes_status(struct sk_client *client, const Sandkeep__V1__GetStatusRequest *request,
                             struct sk_arena *arena, Sandkeep__V1__NodeStatus **out_status,
                             struct sk_fault *fault)
{
    ProtobufCMessage *message = NULL;
    enum sk_code code =
        sk_client_call(client, "/sandkeep.v1.NodeService/GetStatus", &request->base,
                       &sandkeep__v1__node_status__descriptor, SK_ABANDON, arena, &message, fault);

    *out_status = (void *)message;
    return code;
}

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__GetStatusRequest request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;
    Sandkeep__V1__NodeStatus *status = NULL;
    enum sk_code code = sk_nodes_status(client, &request, arena, &status, fault);

    if (code == SK_OK)
        *out_exit = sk_node_output(status, SK_TOP_CPU, args->json);
    return code;
}

static int run_status(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_status = {
    .name = "status",
    .synopsis = "[OPTION]...",
    .summary = "Say what the node is doing.",
    .options = options,
    .run = run_status,
};
