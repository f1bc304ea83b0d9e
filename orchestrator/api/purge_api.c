/* purge_api.c: PurgeSandboxes: a delete for each active sandbox that matches. */
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
    size_t count, waiting;
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
    struct sk_list_query query = {
        .tags = sk_pb_strings(purge->call->arena, in->tags, in->n_tags), .after = after, .limit = BATCH};
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

static void release(struct purge *purge)
{
    for (struct victim *v = purge->victims; v; v = v->next)
        sk_sandbox_unref(sk_take(v->sandbox));
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
    sk_call_reply(purge->call, &out->base);
}

static void on_deleted(struct sk_done *done, const struct sk_err *err)
{
    struct victim *v = sk_container_of(done, struct victim, done);
    v->code = err ? err->code : SK_OK;
    if (--v->purge->waiting == 0)
        report(v->purge);
}

static void delete_all(struct purge *purge)
{
    purge->waiting = purge->count;
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
    if (gather(purge, in, &err)) {
        release(purge);
        sk_call_fail(call, &err);
    } else if (in->dry_run || !purge->count) {
        report(purge);
    } else {
        delete_all(purge);
    }
}
