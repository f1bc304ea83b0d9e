/* list_api.c: ListSandboxes. */
#include "api/encode.h"
#include "api/handlers.h"
#include "api/page.h"
#include "core/sandbox.h"

#include <string.h>

/* A state of the API as one of ours; -1: one that no sandbox here ever has. */
static int state_filter(SK_PB(State) state)
{
    switch (state) {
    case SK_PBE(STATE, STATE_UNSPECIFIED):
        return 0;
    case SK_PBE(STATE, STATE_PENDING):
        return SK_STATE_PENDING;
    case SK_PBE(STATE, STATE_CREATING):
        return SK_STATE_CREATING;
    case SK_PBE(STATE, STATE_RUNNING):
        return SK_STATE_RUNNING;
    case SK_PBE(STATE, STATE_TERMINATING):
        return SK_STATE_TERMINATING;
    case SK_PBE(STATE, STATE_COMPLETED):
        return SK_STATE_COMPLETED;
    case SK_PBE(STATE, STATE_FAILED):
        return SK_STATE_FAILED;
    case SK_PBE(STATE, STATE_TERMINATED):
        return SK_STATE_TERMINATED;
    default:
        return -1;
    }
}

static enum sk_code check_list(const SK_PB(ListSandboxesRequest) * in, struct sk_check *check)
{
    (void)sk_check_range(check, SK_FIELD(NULL, "page_size"), in->page_size, 0, INT32_MAX);
    (void)sk_check_enum(check, SK_FIELD(NULL, "state"), (int)in->state, SK_PBE(STATE, STATE_PREPARING));
    (void)sk_check_enum(check, SK_FIELD(NULL, "sort_direction"), (int)in->sort_direction,
                        SK_PBE(SORT_DIRECTION, SORT_DIRECTION_ASCENDING));
    (void)sk_check_count(check, SK_FIELD(NULL, "tags"), in->n_tags, SK_TAGS_MAX);
    return sk_check_result(check, NULL);
}

/* Whether the filters that look at the node as a whole leave anything. */
static bool can_match(const SK_PB(ListSandboxesRequest) * in, const char *node_id)
{
    bool is_named = in->n_runner_ids == 0;
    for (size_t i = 0; i < in->n_runner_ids; i++)
        is_named |= strcmp(in->runner_ids[i], node_id) == 0;
    return is_named && in->n_volume_ids == 0 && state_filter(in->state) >= 0;
}

/* Encodes the sandboxes and says how many of them fit one answer. */
static size_t encode_page(struct sk_call *call, struct sk_sandbox *const *found, size_t count,
                          SK_PB(ListSandboxesResponse) * out)
{
    size_t *sizes = sk_arena_alloc(call->arena, (count + 1) * sizeof(*sizes));
    out->sandboxes = sk_arena_alloc(call->arena, (count + 1) * sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        out->sandboxes[i] = sk_encode_sandbox(call->arena, sk_sandbox_record(found[i]),
                                              sk_sandbox_place(found[i]), sk_node_config(call->node));
        sk_encode_waiting(call->arena, found[i], out->sandboxes[i]);
        sizes[i] = protobuf_c_message_get_packed_size(&out->sandboxes[i]->base);
    }
    return sk_page_fit(sizes, count, SK_PAGE_BYTES_MAX);
}

static enum sk_code fill_page(struct sk_call *call, struct sk_list_query *query,
                              SK_PB(ListSandboxesResponse) * out, struct sk_err *err)
{
    char next[SK_PAGE_TOKEN_MAX] = "";
    size_t count = 0;
    struct sk_sandbox **found = sk_arena_alloc(call->arena, query->limit * sizeof(void *));
    enum sk_code code = sk_node_list(call->node, query, found, &count, next, err);
    if (code)
        return code;
    out->n_sandboxes = encode_page(call, found, count, out);
    if (out->n_sandboxes < count) {
        /* Too many bytes: the same list again, shorter, for the token that fits it. */
        query->limit = out->n_sandboxes;
        code = sk_node_list(call->node, query, found, &count, next, err);
    }
    out->next_page_token = sk_arena_strdup(call->arena, next);
    return code;
}

void sk_list_sandboxes(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(ListSandboxesRequest) *in = (const void *)request;
    SK_PB(ListSandboxesResponse) *out = SK_PB_NEW(call->arena, list_sandboxes_response);
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    if (check_list(in, check)) {
        sk_call_fail_check(call, check);
        return;
    }
    struct sk_list_query query = {
        .tags = sk_pb_strings(call->arena, in->tags, in->n_tags),
        .state = state_filter(in->state),
        .show_terminated = in->show_terminated,
        .ascending = in->sort_direction == SK_PBE(SORT_DIRECTION, SORT_DIRECTION_ASCENDING),
        .after = in->page_token,
        .limit = sk_page_size(in->page_size),
    };
    struct sk_err err = {0};
    if (can_match(in, sk_node_config(call->node)->node_id) && fill_page(call, &query, out, &err))
        sk_call_fail(call, &err);
    else
        sk_call_reply(call, &out->base);
}
