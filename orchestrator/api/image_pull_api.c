/* image_pull_api.c: PullImage: a pull, and how far it is. */
#include "api/handlers.h"
#include "api/image_report.h"

struct pull {
    struct sk_call *call;
    struct sk_image_report report;
    struct sk_image_wait wait;
    struct sk_done done;
    struct sk_image *image;
    bool begun, pulled;
};

static struct pull *pull_of(struct sk_image_report *report)
{
    return sk_container_of(report, struct pull, report);
}

static const struct sk_image_progress *look(struct sk_image_report *report)
{
    return sk_image_wait_progress(&pull_of(report)->wait);
}

static void send(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * message)
{
    sk_server_call_send(report->call->rpc, &message->base);
}

static void fail(struct pull *p, const struct sk_err *err)
{
    struct sk_err why = *err;
    if (err->code == SK_CANCELLED)
        why.code = sk_call_cancel_code(p->call);
    sk_image_report_stop(&p->report);
    sk_call_fail(p->call, &why);
}

static void answer(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * last,
                   const struct sk_err *err)
{
    struct pull *p = pull_of(report);
    if (err)
        fail(p, err);
    else
        sk_call_reply(p->call, &last->base);
}

static void on_pulled(struct sk_done *done, const struct sk_err *err)
{
    struct pull *p = sk_container_of(done, struct pull, done);
    p->pulled = true;
    if (err)
        fail(p, err);
    else
        sk_image_report_finish(&p->report, sk_take(p->image));
}

static bool check(struct pull *p, const SK_OWN_PB(PullImageRequest) * in, struct sk_reference *out_reference)
{
    struct sk_check found = {.arena = p->call->arena};
    struct sk_err err = {0};
    if (sk_reference_parse(in->name, out_reference, &err))
        sk_check_violated(&found, SK_FIELD(NULL, "name"), "%s", err.text);
    if (in->login && !in->login->username[0])
        sk_check_violated(&found, SK_FIELD(SK_FIELD(NULL, "login"), "username"), "must not be empty");
    if (!p->call->caller.is_admin && sk_images_config(p->report.images)->pull_policy == SK_PULL_NEVER)
        sk_check_refused(&found, SK_FIELD(NULL, "name"), SK_PERMISSION_DENIED, NULL,
                         "image_pull_policy is \"never\": admins alone pull images");
    if (sk_check_result(&found, &err) == SK_OK)
        return true;
    sk_call_fail_check(p->call, &found);
    return false;
}

static void start(struct pull *p, const SK_OWN_PB(PullImageRequest) * in)
{
    struct sk_reference reference;
    if (!check(p, in, &reference))
        return;
    struct sk_image_login login = {.registry = reference.registry};
    if (in->login) {
        login.username = in->login->username;
        login.password = in->login->password;
    }
    p->begun = true;
    sk_done_init(&p->done, on_pulled);
    sk_images_pull(p->report.images, &p->wait, in->name, in->login ? &login : NULL, &p->image, &p->done);
    sk_image_report_start(&p->report);
}

static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct pull *p = arg;
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    if (!bytes)
        (void)sk_fail(&err, SK_INVALID_ARGUMENT, "the call carries no request");
    else if (!sk_call_unpack(p->call, bytes, &message, &err)) {
        start(p, (const void *)message);
        return;
    }
    sk_call_fail(p->call, &err);
}

static void on_sent(void *arg)
{
    sk_image_report_sent(&((struct pull *)arg)->report);
}

static void on_cancel(void *arg)
{
    struct pull *p = arg;
    struct sk_err err = {0};
    sk_image_report_stop(&p->report);
    if (p->pulled) {
        sk_image_report_cancel(&p->report);
    } else if (p->begun) {
        sk_done_cancel(&p->done);
    } else {
        (void)sk_fail(&err, sk_call_cancel_code(p->call), "the client went away");
        sk_call_fail(p->call, &err);
    }
}

void sk_pull_image(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct pull *p = sk_arena_alloc(call->arena, sizeof(*p));
    p->call = call;
    p->report = (struct sk_image_report){
        .call = call, .images = sk_node_images(call->node), .look = look, .send = send, .answer = answer};
    sk_server_call_set(call->rpc, &events, p);
    sk_server_call_want(call->rpc);
}
