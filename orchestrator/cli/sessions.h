/* sessions.h: the server's sessions, as calls. Answers live in the arena. */
#ifndef SK_CLI_SESSIONS_H
#define SK_CLI_SESSIONS_H

#include "cli/args.h"
#include "cli/client.h"

#include "sandkeep/session.pb-c.h"

#define SK_SESSION_SERVICE "/sandkeep.v1.SessionService/"

/* What the options of open and run ask for; lives in the arena. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_sessions_ask(const struct sk_args *args, struct sk_arena *arena,
                                           Sandkeep__V1__OpenSessionRequest *out_request, struct sk_err *err);

/* All return SK_OK or fault->err.code. */
SK_MUST_CHECK enum sk_code sk_sessions_open(struct sk_client *client,
                                            Sandkeep__V1__OpenSessionRequest *request, struct sk_arena *arena,
                                            Sandkeep__V1__Session **out_session, struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_sessions_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                                           Sandkeep__V1__Session **out_session, struct sk_fault *fault);
/* One page; the token of the next is "" at the end. */
SK_MUST_CHECK enum sk_code sk_sessions_list(struct sk_client *client,
                                            const Sandkeep__V1__ListSessionsRequest *request,
                                            struct sk_arena *arena,
                                            Sandkeep__V1__ListSessionsResponse **out_page,
                                            struct sk_fault *fault);
/* Waits until its sandboxes have ended. */
SK_MUST_CHECK enum sk_code sk_sessions_close(struct sk_client *client, const char *id, int64_t grace_s,
                                             struct sk_fault *fault);

/* Options that open and run share. */
#define SK_SESSION_OPTIONS                                                                                   \
    {"lease",                                                                                                \
     0,                                                                                                      \
     SK_OPTION_SECONDS,                                                                                      \
     offsetof(struct sk_args, lease),                                                                        \
     "S",                                                                                                    \
     "close it when nobody has held it for that long"},                                                      \
        {"name", 0, SK_OPTION_TEXT, offsetof(struct sk_args, name), "NAME", "what people call it"},          \
        {"max-sandboxes",           0, SK_OPTION_SANDBOXES, offsetof(struct sk_args, max_sandboxes), "N",    \
         "as many may live at once"},                                                                        \
        SK_OPTION_IMAGE("the image of its sandboxes, unless they say"), SK_OPTION_CPU, SK_OPTION_MEMORY,     \
        SK_OPTION_ENV,                                                                                       \
        {"tag", 0, SK_OPTION_WORDS, offsetof(struct sk_args, tags), "TAG", "a tag of its sandboxes"},        \
        {"timeout",                                                                                          \
         0,                                                                                                  \
         SK_OPTION_SECONDS,                                                                                  \
         offsetof(struct sk_args, timeout),                                                                  \
         "S",                                                                                                \
         "end each sandbox after that many seconds"},                                                        \
    {                                                                                                        \
        "idle-timeout", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, idle_timeout), "S",                   \
            "end each sandbox that nobody has used for so long"                                              \
    }

#endif
