/* list_api.c: ListSandboxes. */
#include "api/encode.h"
#include "api/fan_out.h"
#include "api/handlers.h"
#include "api/merge.h"
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

/* --- with the other nodes ----------------------------------------------------- */

struct listing {
    struct sk_call *call;
    struct sk_fan_out fan_out;
    SK_PB(ListSandboxesResponse) * own;
    size_t limit;
    bool ascending;
};

static size_t gather(const SK_PB(ListSandboxesResponse) * page, struct sk_merge_item *items)
{
    for (size_t i = 0; i < page->n_sandboxes; i++) {
        SK_PB(Sandbox) *sandbox = page->sandboxes[i];
        items[i] = (struct sk_merge_item){
            .created = sk_decode_time(sandbox->status ? sandbox->status->create_time : NULL),
            .id = sandbox->sandbox_id,
            .message = sandbox,
            .is_cut = page->next_page_token[0] && i + 1 == page->n_sandboxes,
        };
    }
    return page->n_sandboxes;
}

static void reply_merged(const struct listing *l)
{
    struct sk_arena *arena = l->call->arena;
    const struct sk_fleet_answers *answers = &l->fan_out.answers;
    SK_PB(ListSandboxesResponse) *out = SK_PB_NEW(arena, list_sandboxes_response);
    char next[SK_PAGE_TOKEN_MAX] = "";
    size_t most = l->own->n_sandboxes, count;
    bool more = false;
    for (size_t i = 0; i < answers->len; i++)
        most += ((const SK_PB(ListSandboxesResponse) *)answers->items[i])->n_sandboxes;
    struct sk_merge_item *items = sk_arena_alloc(arena, (most + 1) * sizeof(items[0]));
    count = gather(l->own, items);
    for (size_t i = 0; i < answers->len; i++)
        count += gather((const void *)answers->items[i], items + count);
    count = sk_merge_page(items, count, l->limit, l->ascending, &more);
    size_t fits = sk_merge_fit(arena, items, count);
    out->sandboxes = sk_arena_alloc(arena, (count + 1) * sizeof(void *));
    while (out->n_sandboxes < fits)
        out->sandboxes[out->n_sandboxes] = items[out->n_sandboxes].message, out->n_sandboxes++;
    if (more || fits < count)
        sk_page_print(items[fits - 1].created, items[fits - 1].id, next);
    out->next_page_token = sk_arena_strdup(arena, next);
    sk_call_reply(l->call, &out->base);
}

static void on_others(struct sk_fan_out *fan_out, const struct sk_err *err)
{
    const struct listing *l = sk_container_of(fan_out, struct listing, fan_out);
    if (err)
        sk_call_fail(l->call, err);
    else
        reply_merged(l);
}

/* The nodes that the request names; NULL = all. */
static const char *const *named(struct sk_call *call, const SK_PB(ListSandboxesRequest) * in)
{
    return in->n_runner_ids
               ? (const char *const *)sk_pb_strings(call->arena, in->runner_ids, in->n_runner_ids)
               : NULL;
}

static void ask_others(struct sk_call *call, const SK_PB(ListSandboxesRequest) * in,
                       const struct sk_list_query *query, SK_PB(ListSandboxesResponse) * own)
{
    struct listing *l = sk_arena_alloc(call->arena, sizeof(*l));
    *l = (struct listing){
        .call = call, .own = own, .limit = sk_page_size(in->page_size), .ascending = query->ascending};
    sk_fan_out_start(&l->fan_out, call, &in->base, named(call, in), on_others);
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
        .tenant = sk_call_scope(call),
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
    else if (sk_fan_out_is_due(call))
        ask_others(call, in, &query, out);
    else
        sk_call_reply(call, &out->base);
}
