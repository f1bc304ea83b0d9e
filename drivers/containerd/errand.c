#include "drivers/containerd/errand.h"

struct sk_errand *sk_errand_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_errand, op);
}

struct sk_errand *sk_errand_new(struct sk_content *content, const char *lease, const char *key, void *out)
{
    struct sk_errand *errand = sk_alloc(sizeof(*errand));

    errand->content = sk_ctd_content_of(content);
    errand->lease = sk_arena_strdup(&errand->arena, lease);
    errand->key = sk_arena_strdup(&errand->arena, key);
    errand->out = out;
    return errand;
}

static void finish(struct sk_done *over, const struct sk_err *err)
{
    struct sk_errand *errand = sk_container_of(over, struct sk_errand, over);
    struct sk_ctd_client *client = errand->content->client;
    struct sk_done *done = errand->done;
    struct sk_err outcome = err ? *err : (struct sk_err){0};

    sk_arena_fini(&errand->arena);
    free(errand);
    sk_ctd_let_go(client, done, err ? &outcome : NULL);
}

static void cancel(struct sk_done *done)
{
    struct sk_errand *errand = done->callee;

    sk_done_cancel(&errand->over);
}

void sk_errand_start(struct sk_errand *errand_take, const char *flow, const struct sk_step *steps,
                     struct sk_done *done)
{
    struct sk_ctd_client *client = errand_take->content->client;

    errand_take->done = done;
    errand_take->op.flow = flow;
    done->callee = errand_take;
    done->cancel = cancel;
    sk_done_init(&errand_take->over, finish);
    sk_ctd_hold(client);
    sk_op_start(&errand_take->op, client->loop, client->log, steps, (struct sk_instant){0},
                &errand_take->over);
}

void sk_errand_call(struct sk_errand *errand, enum sk_ctd_method method, unsigned forgive,
                    struct sk_duration limit, const ProtobufCMessage *request, struct sk_done *done)
{
    sk_ctd_call(errand->content->client,
                &(struct sk_ctd_ask){
                    .method = method,
                    .limit = limit,
                    .forgive = forgive,
                    .lease = errand->lease,
                    .can_cancel = true,
                    .arena = &errand->arena,
                    .out_response = &errand->answer,
                    .out_err = &errand->said,
                },
                request, done);
}

void sk_errand_step_ends(struct sk_errand *errand, const struct sk_err *err, struct sk_done *done)
{
    sk_done_later(errand->content->client->loop, done, err);
}
