/* discovery_api.c: ListAvailableRunners, GetAvailableRunner: each node is one runner. */
#include "api/fan_out.h"
#include "api/handlers.h"
#include "api/merge.h"
#include "api/page.h"
#include "api/runner.h"

#include <string.h>

#define TOKEN_MAX 64

/* --- list ------------------------------------------------------------------------- */

struct listing {
    struct sk_call *call;
    const SK_PB(ListAvailableRunnersRequest) * in;
    struct sk_fan_out fan_out;
    SK_PB(AvailableRunner) * own; /* NULL = it is not asked for */
};

static bool check_list(const SK_PB(ListAvailableRunnersRequest) * in, struct sk_check *check)
{
    (void)sk_check_range(check, SK_FIELD(NULL, "page_size"), in->page_size, 0, INT32_MAX);
    (void)sk_check_length(check, SK_FIELD(NULL, "page_token"), in->page_token, TOKEN_MAX);
    (void)sk_check_enum(check, SK_FIELD(NULL, "view"), (int)in->view, SK_PBE(RUNNER_VIEW, RUNNER_VIEW_FULL));
    (void)sk_check_enum(check, SK_FIELD(NULL, "service_visibility"), (int)in->service_visibility,
                        SK_PBE(VISIBILITY, VISIBILITY_CUSTOM));
    if (in->page_token[0] && !sk_id_node_is_valid(in->page_token))
        sk_check_violated(check, SK_FIELD(NULL, "page_token"), "is not one of ours");
    return sk_check_result(check, NULL) == SK_OK;
}

static void add(struct sk_merge_item *items, size_t *count, SK_PB(AvailableRunner) * runner, bool is_cut)
{
    items[(*count)++] = (struct sk_merge_item){.id = runner->runner_id, .message = runner, .is_cut = is_cut};
}

/* All that are there, in the order of their ids. */
static void reply_list(const struct listing *l)
{
    struct sk_arena *arena = l->call->arena;
    const struct sk_fleet_answers *answers = &l->fan_out.answers;
    SK_PB(ListAvailableRunnersResponse) *out = SK_PB_NEW(arena, list_available_runners_response);
    size_t count = 0, most = 1;
    bool more = false;
    for (size_t i = 0; i < answers->len; i++)
        most += ((const SK_PB(ListAvailableRunnersResponse) *)answers->items[i])->n_runners;
    struct sk_merge_item *items = sk_arena_alloc(arena, most * sizeof(items[0]));
    if (l->own)
        add(items, &count, l->own, false);
    for (size_t i = 0; i < answers->len; i++) {
        const SK_PB(ListAvailableRunnersResponse) *page = (const void *)answers->items[i];
        for (size_t j = 0; j < page->n_runners; j++)
            add(items, &count, page->runners[j], page->next_page_token[0] && j + 1 == page->n_runners);
    }
    count = sk_merge_page(items, count, sk_page_size(l->in->page_size), true, &more);
    out->runners = sk_arena_alloc(arena, (count + 1) * sizeof(void *));
    while (out->n_runners < count)
        out->runners[out->n_runners] = items[out->n_runners].message, out->n_runners++;
    if (more)
        out->next_page_token = out->runners[count - 1]->runner_id;
    sk_call_reply(l->call, &out->base);
}

static void on_others(struct sk_fan_out *fan_out, const struct sk_err *err)
{
    struct listing *l = sk_container_of(fan_out, struct listing, fan_out);
    if (err)
        sk_call_fail(l->call, err);
    else
        reply_list(l);
}

void sk_list_available_runners(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(ListAvailableRunnersRequest) *in = (const void *)request;
    struct sk_check check = {.arena = call->arena};
    if (!check_list(in, &check)) {
        sk_call_fail_check(call, &check);
        return;
    }
    struct listing *l = sk_arena_alloc(call->arena, sizeof(*l));
    *l = (struct listing){.call = call, .in = in};
    SK_PB(AvailableRunner) *own =
        sk_encode_runner(call->arena, call->node, in->view == SK_PBE(RUNNER_VIEW, RUNNER_VIEW_FULL));
    if (sk_runner_matches(own, in) && strcmp(own->runner_id, in->page_token) > 0)
        l->own = own;
    if (sk_fan_out_is_due(call))
        sk_fan_out_start(&l->fan_out, call, request, NULL, on_others);
    else
        reply_list(l);
}

/* --- get -------------------------------------------------------------------------- */

static void on_runner(struct sk_fan_out *fan_out, const struct sk_err *err)
{
    struct sk_call *call = fan_out->call;
    struct sk_err why;
    if (!err) {
        sk_call_reply(call, fan_out->answers.items[0]);
        return;
    }
    why = *err;
    if (why.code == SK_NOT_FOUND)
        (void)sk_err_reason(&why, "RUNNER_NOT_FOUND");
    sk_call_fail(call, &why);
}

static void ask_peer(struct sk_call *call, const SK_PB(GetAvailableRunnerRequest) * in, const char *peer)
{
    struct sk_fan_out *fan_out = sk_arena_alloc(call->arena, sizeof(*fan_out));
    const char **only = sk_arena_alloc(call->arena, 2 * sizeof(only[0]));
    only[0] = peer;
    sk_fan_out_start(fan_out, call, &in->base, only, on_runner);
}

void sk_get_available_runner(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(GetAvailableRunnerRequest) *in = (const void *)request;
    const struct sk_node_config *config = sk_node_config(call->node);
    bool is_ours = strcmp(in->runner_id, config->node_id) == 0;
    const char *peer = sk_fan_out_is_due(call) && sk_id_node_is_valid(in->runner_id)
                           ? sk_fleet_maker(call->fleet, in->runner_id)
                           : NULL;
    struct sk_err err = {0};
    if (is_ours && strcmp(in->organization_id, config->organization) == 0) {
        sk_call_reply(call, &sk_encode_runner(call->arena, call->node,
                                              in->view != SK_PBE(RUNNER_VIEW, RUNNER_VIEW_BASIC))
                                 ->base);
        return;
    }
    if (peer) {
        ask_peer(call, in, peer);
        return;
    }
    (void)sk_fail(&err, SK_NOT_FOUND, "there is no runner \"%.64s\" of organization \"%.64s\"", in->runner_id,
                  in->organization_id);
    (void)sk_err_reason(&err, "RUNNER_NOT_FOUND");
    sk_call_fail(call, &err);
}
