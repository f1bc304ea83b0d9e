/* boxes.h: the server's sandboxes, as calls. Answers live in the arena. */
#ifndef SK_CLI_BOXES_H
#define SK_CLI_BOXES_H

#include "cli/client.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

/* A sandbox as the server shows it. */
typedef Coreweave__Sandbox__V1__Sandbox sk_shown;

/* A fresh request_id for create. */
struct sk_request_id {
    char text[37]; /* a random UUID */
};
struct sk_request_id sk_request_id_make(void);

/* All return SK_OK or fault->err.code. */
SK_MUST_CHECK enum sk_code sk_boxes_create(struct sk_client *client,
                                           Coreweave__Sandbox__V1__SandboxSpec *spec, struct sk_arena *arena,
                                           sk_shown **out_box, struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_boxes_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                                        sk_shown **out_box, struct sk_fault *fault);
/* *out_box is NULL when it was missing and that is allowed. */
SK_MUST_CHECK enum sk_code sk_boxes_delete(struct sk_client *client, const char *id, int32_t grace_s,
                                           bool allow_missing, struct sk_arena *arena, sk_shown **out_box,
                                           struct sk_fault *fault);
/* One page; the token of the next is "" at the end. */
SK_MUST_CHECK enum sk_code sk_boxes_list(struct sk_client *client,
                                         const Coreweave__Sandbox__V1__ListSandboxesRequest *request,
                                         struct sk_arena *arena,
                                         Coreweave__Sandbox__V1__ListSandboxesResponse **out_page,
                                         struct sk_fault *fault);

/* Polls while `leave(state)` is false. The last box seen is in the arena. SK_CANCELLED at a signal
 * that came while it waited. */
SK_MUST_CHECK enum sk_code sk_boxes_await(struct sk_client *client, const char *id,
                                          bool (*leave)(Coreweave__Sandbox__V1__State state),
                                          struct sk_arena *arena, sk_shown **out_box, struct sk_fault *fault);

/* "running" and so on; "unknown" for a number this program does not know. */
const char *sk_state_name(Coreweave__Sandbox__V1__State state);
/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_state_parse(const char *name, Coreweave__Sandbox__V1__State *out_state,
                                          struct sk_err *err);
Coreweave__Sandbox__V1__State sk_box_state(const sk_shown *box);
/* Ended, for whatever reason. */
bool sk_state_is_final(Coreweave__Sandbox__V1__State state);

#endif
