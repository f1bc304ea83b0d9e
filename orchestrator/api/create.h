/* create.h: one CreateSandbox, by whichever service it came. */
#ifndef SK_API_CREATE_H
#define SK_API_CREATE_H

#include "api/call.h"
#include "core/session.h"

/* What is asked for; lives in the call's arena. */
struct sk_creation {
    SK_PB(Sandbox) * sandbox; /* the caller's words; those of the session are put under them */
    const char *top;          /* the name of that field */
    const char *request_id;
    const ProtobufCMessage *body;     /* what must be the same when the request id is */
    const struct sk_session *session; /* NULL = none */
    int start;                        /* a Start; UNSPECIFIED: what the annotations say */
    struct sk_check check;            /* what was found already; its arena is set */
};

/* Decodes, creates, answers the call with the Sandbox or with what is wrong. */
void sk_creation_run(struct sk_call *call, struct sk_creation *creation);

#endif
