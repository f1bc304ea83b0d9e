/* session_create.c: SessionService.CreateSandbox. */
#include "api/create.h"
#include "api/handlers.h"
#include "api/marks.h"

#include <string.h>

/* A caller may name the session in an annotation as well, but no other one. */
static void check_named(const struct sk_creation *c, const char *session_id, struct sk_check *check)
{
    const struct sk_path *top = SK_FIELD(NULL, c->top);
    const char *named = sk_marks_session(c->sandbox, top, check);
    if (named[0] && strcmp(named, session_id) != 0)
        sk_check_violated(check, SK_FIELD(SK_FIELD(top, "spec"), "annotations"),
                          "names another session than session_id");
}

void sk_session_create_sandbox(struct sk_call *call, ProtobufCMessage *request)
{
    SK_OWN_PB(CreateSandboxRequest) *in = (void *)request;
    SK_OWN_PB(CreateSandboxRequest) *body = sk_arena_memdup(call->arena, in, sizeof(*in));
    struct sk_creation *c = sk_arena_alloc(call->arena, sizeof(*c));
    struct sk_session *session;
    struct sk_err err = {0};
    if (sk_call_find_session(call, in->session_id, &session, &err)) {
        sk_call_fail(call, &err);
        return;
    }
    if (!body->overrides)
        body->overrides = SK_PB_NEW(call->arena, sandbox);
    body->request_id = "";
    c->sandbox = body->overrides;
    c->top = "overrides";
    c->request_id = in->request_id;
    c->body = &body->base;
    c->session = session;
    c->start = (int)in->start;
    c->check.arena = call->arena;
    (void)sk_check_enum(&c->check, SK_FIELD(NULL, "start"), c->start, SK_OWN_PBE(START, START_ON_FIRST_USE));
    check_named(c, in->session_id, &c->check);
    sk_creation_run(call, c);
}
