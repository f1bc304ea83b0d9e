/* fan_out.h: a call that is asked of the other nodes as well (fleet/fleet.h), with the caller's view and
 * within its deadline; and the calls that come from them. */
#ifndef SK_API_FAN_OUT_H
#define SK_API_FAN_OUT_H

#include "api/call.h"
#include "fleet/fleet.h"

/* Lives in the call's arena. */
struct sk_fan_out {
    struct sk_call *call;
    struct sk_fleet_answers answers; /* of the method's response type */
    struct sk_done done;
    void (*then)(struct sk_fan_out *fan_out, const struct sk_err *err);
};

/* Of a call from a peer: whose view is wanted. Only admins are believed; for all others these headers are as
 * if not sent. Once it is known who calls. */
void sk_fan_out_receive(struct sk_call *call);

/* Whether there is anybody to ask. */
bool sk_fan_out_is_due(const struct sk_call *call);
/* Asks all peers, or those that `only` names (NULL-terminated; NULL = all). `then` comes once, later; the
 * call must not be answered before. Sets the call's on_cancel. */
void sk_fan_out_start(struct sk_fan_out *fan_out, struct sk_call *call, const ProtobufCMessage *request,
                      const char *const *only,
                      void (*then)(struct sk_fan_out *fan_out, const struct sk_err *err));

#endif
