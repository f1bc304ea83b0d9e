/* purge_api.c: PurgeSandboxes: a delete for each active sandbox that matches. */
#include "api/fan_out.h"
#include "api/handlers.h"
#include "core/sandbox.h"

#define BATCH 256

struct victim {
    struct purge *purge;
    struct sk_sandbox *sandbox; /* a ref */
    struct sk_done done;
    enum sk_code code;
    struct victim *next;
};

struct purge {
    struct sk_call *call;
    struct victim *victims;
    size_t count, waiting; /* deletes, and the other nodes */
    struct sk_fan_out fan_out;
    struct sk_err err; /* of the other nodes */
};

static void check_purge(const SK_PB(PurgeSandboxesRequest) * in, struct sk_check *check)
{
    if (in->request_id[0])
        sk_check_refused(check, SK_FIELD(NULL, "request_id"), SK_UNIMPLEMENTED, "NOT_IMPLEMENTED",
                         "is not implemented here");
    if ((in->n_tags > 0) == in->purge_all)
        sk_check_violated(check, SK_FIELD(NULL, "tags"), "exactly one of tags and purge_all must be given");
    (void)sk_check_count(check, SK_FIELD(NULL, "tags"), in->n_tags, SK_TAGS_MAX);
}

static bool is_active(const struct sk_sandbox *sandbox)
{
    return sk_sandbox_record(sandbox)->state < SK_STATE_TERMINATING;
}

static void add_victim(struct purge *purge, struct sk_sandbox *sandbox)
{
    struct victim *v = sk_arena_alloc(purge->call->arena, sizeof(*v));
    v->purge = purge;
    v->sandbox = sk_sandbox_ref(sandbox);
    v->next = purge->victims;
    purge->victims = v;
    purge->count++;
}

/* All that match, gathered before anything is ended. */
static enum sk_code gather(struct purge *purge, const SK_PB(PurgeSandboxesRequest) * in, struct sk_err *err)
{
    struct sk_sandbox *found[BATCH];
    char after[SK_PAGE_TOKEN_MAX] = "", next[SK_PAGE_TOKEN_MAX] = "";
    struct sk_list_query query = {.tenant = sk_call_scope(purge->call),
                                  .tags = sk_pb_strings(purge->call->arena, in->tags, in->n_tags),
                                  .after = after,
                                  .limit = BATCH};
    do {
        size_t count = 0;
        enum sk_code code = sk_node_list(purge->call->node, &query, found, &count, next, err);
        if (code)
            return code;
        for (size_t i = 0; i < count; i++) {
            if (is_active(found[i]))
                add_victim(purge, found[i]);
        }
        for (size_t i = 0; i < sizeof(after); i++)
            after[i] = next[i];
    } while (after[0]);
    return SK_OK;
}

/* Whether there is one that nobody has deleted before. */
static bool is_news(const struct purge *purge)
{
    const struct victim *v = purge->victims;
    while (v && sk_sandbox_record(v->sandbox)->deleted)
        v = v->next;
    return v != NULL;
}

static void release(struct purge *purge)
{
    for (struct victim *v = purge->victims; v; v = v->next)
        sk_sandbox_unref(sk_take(v->sandbox));
}

static void join(struct sk_arena *arena, char ***ids, size_t *count, char **more, size_t more_count)
{
    char **all = sk_arena_alloc(arena, (*count + more_count + 1) * sizeof(all[0]));
    for (size_t i = 0; i < *count; i++)
        all[i] = (*ids)[i];
    for (size_t i = 0; i < more_count; i++)
        all[(*count)++] = more[i];
    *ids = all;
}

/* As many as a count can tell: what others say may be anything. */
static int32_t sum(int32_t own, int32_t theirs)
{
    int32_t both;
    if (theirs <= 0)
        return own;
    return __builtin_add_overflow(own, theirs, &both) ? INT32_MAX : both;
}

static void add_others(const struct purge *purge, SK_PB(PurgeSandboxesResponse) * out)
{
    const struct sk_fleet_answers *answers = &purge->fan_out.answers;
    struct sk_arena *arena = purge->call->arena;
    for (size_t i = 0; !purge->err.code && i < answers->len; i++) {
        const SK_PB(PurgeSandboxesResponse) *in = (const void *)answers->items[i];
        out->purge_count = sum(out->purge_count, in->purge_count);
        join(arena, &out->failed_sandbox_ids, &out->n_failed_sandbox_ids, in->failed_sandbox_ids,
             in->n_failed_sandbox_ids);
        join(arena, &out->retryable_failed_sandbox_ids, &out->n_retryable_failed_sandbox_ids,
             in->retryable_failed_sandbox_ids, in->n_retryable_failed_sandbox_ids);
    }
}

static void report(struct purge *purge)
{
    struct sk_arena *arena = purge->call->arena;
    SK_PB(PurgeSandboxesResponse) *out = SK_PB_NEW(arena, purge_sandboxes_response);
    out->failed_sandbox_ids = sk_arena_alloc(arena, (purge->count + 1) * sizeof(char *));
    out->retryable_failed_sandbox_ids = sk_arena_alloc(arena, (purge->count + 1) * sizeof(char *));
    for (const struct victim *v = purge->victims; v; v = v->next) {
        char *id = sk_arena_strdup(arena, sk_sandbox_record(v->sandbox)->id);
        if (!v->code || v->code == SK_NOT_FOUND)
            out->purge_count++;
        else if (v->code == SK_UNAVAILABLE || v->code == SK_RESOURCE_EXHAUSTED)
            out->retryable_failed_sandbox_ids[out->n_retryable_failed_sandbox_ids++] = id;
        else
            out->failed_sandbox_ids[out->n_failed_sandbox_ids++] = id;
    }
    release(purge);
    add_others(purge, out);
    if (purge->err.code)
        sk_call_fail(purge->call, &purge->err);
    else
        sk_call_reply(purge->call, &out->base);
}

static void settle(struct purge *purge)
{
    if (--purge->waiting == 0)
        report(purge);
}

static void on_others(struct sk_fan_out *fan_out, const struct sk_err *err)
{
    struct purge *purge = sk_container_of(fan_out, struct purge, fan_out);
    if (err)
        purge->err = *err;
    settle(purge);
}

static void on_deleted(struct sk_done *done, const struct sk_err *err)
{
    struct victim *v = sk_container_of(done, struct victim, done);
    v->code = err ? err->code : SK_OK;
    settle(v->purge);
}

static void delete_all(struct purge *purge)
{
    purge->waiting += purge->count;
    for (struct victim *v = purge->victims; v; v = v->next) {
        sk_done_init(&v->done, on_deleted);
        sk_node_delete(purge->call->node, v->sandbox, SK_SEC(0), &v->done);
    }
}

void sk_purge_sandboxes(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(PurgeSandboxesRequest) *in = (const void *)request;
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    check->arena = call->arena;
    check_purge(in, check);
    if (sk_check_result(check, NULL)) {
        sk_call_fail_check(call, check);
        return;
    }
    struct purge *purge = sk_arena_alloc(call->arena, sizeof(*purge));
    purge->call = call;
    struct sk_err err = {0};
    if (gather(purge, in, &err) || sk_witness_end(call, !in->dry_run && is_news(purge), &err)) {
        release(purge);
        sk_call_fail(call, &err);
        return;
    }
    purge->waiting = 1; /* for this function itself */
    if (sk_fan_out_is_due(call)) {
        purge->waiting++;
        sk_fan_out_start(&purge->fan_out, call, request, NULL, on_others);
    }
    if (!in->dry_run)
        delete_all(purge);
    settle(purge);
}
