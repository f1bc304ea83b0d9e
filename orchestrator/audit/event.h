/* event.h: one thing that somebody did, or that the daemon decided, as the
 * audit tells it: who, what, on what, how it went. Never secrets, values of
 * environments or contents of files: there is no field for them.
 *
 * Pure. */
#ifndef SK_AUDIT_EVENT_H
#define SK_AUDIT_EVENT_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdbool.h>

#define SK_AUDIT_COMMAND_MAX 8192  /* bytes of a command's words that are told */
#define SK_AUDIT_WORD_MAX    1024  /* of one of them */
#define SK_AUDIT_EVENT_MAX   32768 /* bytes of it all */

/* Texts are borrowed; NULL or "" = has none. */
struct sk_audit_event {
    const char *event; /* "created", "executed", "read", "wrote", "deleted", "ended", "reloaded", … */
    const char *tenant, *key, *peer; /* who; none: the daemon itself */
    const char *method;              /* of the call: "/pkg.Service/Method" */
    const char *request, *client;    /* the call's id, and what the client calls it */
    const char *sandbox, *session;   /* on what */
    const char *image, *path, *name; /* name: of whatever else it is */
    char *const *command;            /* argv; NULL = none, or not to be told */
    size_t command_len;
    const char *state, *reason; /* what became of it, in words */
    const char *code;           /* "ok", "not_found", …: how the call was answered */
    struct sk_duration took;    /* 0 = not said */
};

/* Appends `"time":…,"event":…` and what else there is, without braces. What does not fit is left out, the
 * command first. */
void sk_audit_event_write(const struct sk_audit_event *event, struct sk_wall at, struct sk_buf *out);

#endif
