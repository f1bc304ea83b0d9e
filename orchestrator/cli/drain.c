/* The end of the node's service, and its beginning again. */
#include "cli/json_put.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include "sandkeep/node.pb-c.h"

#include <inttypes.h>

#define NODE_SERVICE "/sandkeep.v1.NodeService/"

/* --- what comes of it ------------------------------------------------------------ */

static bool is_over(const Sandkeep__V1__DrainResponse *answer)
{
    return answer->state == SANDKEEP__V1__NODE_STATE__NODE_STATE_DRAINED;
}

static const char *state_of(const Sandkeep__V1__DrainResponse *answer)
{
    return is_over(answer)                                                  ? "drained"
           : answer->state == SANDKEEP__V1__NODE_STATE__NODE_STATE_DRAINING ? "draining"
                                                                            : "serving";
}

static void put(yajl_gen gen, const void *what)
{
    const Sandkeep__V1__DrainResponse *answer = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "state", state_of(answer));
    sk_json_put_key_number(gen, "streams", answer->streams);
    sk_json_put_key_number(gen, "sandboxes", answer->sandboxes);
    (void)yajl_gen_map_close(gen);
}

static int print(const Sandkeep__V1__DrainResponse *answer, bool json)
{
    struct sk_buf out;
    struct sk_err err;

    sk_output_begin(&out);
    enum sk_code code =
        json ? sk_json_write(put, answer, &out, &err)
             : sk_buf_printf(&out, "%s: %" PRId64 " streams under way, %" PRId64 " sandboxes alive\n",
                             state_of(answer), answer->streams, answer->sandboxes);
    return sk_output_end(code, &out, &err);
}

/* --- drain ------------------------------------------------------------------------- */

static Sandkeep__V1__DrainRequest__Sandboxes sandboxes_of(const struct sk_args *args)
{
    return args->stop_sandboxes ? SANDKEEP__V1__DRAIN_REQUEST__SANDBOXES__SANDBOXES_STOP
           : args->leave        ? SANDKEEP__V1__DRAIN_REQUEST__SANDBOXES__SANDBOXES_LEAVE
                                : SANDKEEP__V1__DRAIN_REQUEST__SANDBOXES__SANDBOXES_UNSPECIFIED;
}

static enum sk_code ask(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                        Sandkeep__V1__DrainResponse **out_answer, struct sk_fault *fault)
{
    Sandkeep__V1__DrainRequest request = SANDKEEP__V1__DRAIN_REQUEST__INIT;
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    ProtobufCMessage *answer = NULL;

    timeout.seconds = args->timeout;
    request.timeout = args->timeout >= 0 ? &timeout : NULL;
    request.sandboxes = sandboxes_of(args);
    request.wait = args->wait;
    enum sk_code code =
        sk_client_call(client, NODE_SERVICE "Drain", &request.base, &sandkeep__v1__drain_response__descriptor,
                       SK_ABANDON, arena, &answer, fault);
    if (!code)
        *out_answer = (Sandkeep__V1__DrainResponse *)answer;
    return code;
}

/* One call lasts no longer than calls do; asked again, the deadline stays that of the first. */
static enum sk_code drain(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                          int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__DrainResponse *answer = NULL;
    enum sk_code code;

    if (args->stop_sandboxes && args->leave)
        return sk_fail(&fault->err, SK_INVALID_ARGUMENT, "--stop-sandboxes and --leave exclude each other");
    do
        code = ask(client, args, arena, &answer, fault);
    while (code == SK_DEADLINE_EXCEEDED && args->wait && !client->signo);
    if (code == SK_OK)
        *out_exit = print(answer, args->json);
    return code;
}

static int run_drain(const struct sk_args *args)
{
    return sk_show(args, drain);
}

static const struct sk_option drain_options[] = {
    {"timeout", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, timeout), "S",
     "streams may go on for so long; default as configured (drain_timeout_s)"},
    {"wait", 'w', SK_OPTION_FLAG, offsetof(struct sk_args, wait), NULL, "return when the node is drained"},
    {"stop-sandboxes", 0, SK_OPTION_FLAG, offsetof(struct sk_args, stop_sandboxes), NULL,
     "end all sandboxes once the streams are over"},
    {"leave", 0, SK_OPTION_FLAG, offsetof(struct sk_args, leave), NULL, "leave them alone"},
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_drain = {
    .name = "drain",
    .synopsis = "[OPTION]...",
    .summary = "End the node's service: no new sandboxes and sessions; streams may finish until the timeout.",
    .notes = "A drain outlives the daemon: \"sandkeep undrain\" ends it.",
    .options = drain_options,
    .words_max = 0,
    .run = run_drain,
};

/* --- undrain ----------------------------------------------------------------------- */

static enum sk_code undrain(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                            int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__UndrainRequest request = SANDKEEP__V1__UNDRAIN_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;

    (void)args;
    enum sk_code code =
        sk_client_call(client, NODE_SERVICE "Undrain", &request.base,
                       &sandkeep__v1__undrain_response__descriptor, SK_FINISH, arena, &answer, fault);
    if (code == SK_OK)
        *out_exit = 0;
    return code;
}

static int run_undrain(const struct sk_args *args)
{
    return sk_show(args, undrain);
}

static const struct sk_option undrain_options[] = {
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_undrain = {
    .name = "undrain",
    .synopsis = "[OPTION]...",
    .summary = "Serve again after a drain.",
    .options = undrain_options,
    .words_max = 0,
    .run = run_undrain,
};
