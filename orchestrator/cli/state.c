/* Names of states. Pure. */
#include "cli/boxes.h"

#include <string.h>

static const struct {
    const char *name;
    Coreweave__Sandbox__V1__State state;
} states[] = {
    {"creating", COREWEAVE__SANDBOX__V1__STATE__STATE_CREATING},
    {"running", COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING},
    {"completed", COREWEAVE__SANDBOX__V1__STATE__STATE_COMPLETED},
    {"failed", COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED},
    {"terminating", COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATING},
    {"terminated", COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATED},
    {"pending", COREWEAVE__SANDBOX__V1__STATE__STATE_PENDING},
    {"paused", COREWEAVE__SANDBOX__V1__STATE__STATE_PAUSED},
    {"preparing", COREWEAVE__SANDBOX__V1__STATE__STATE_PREPARING},
};

const char *sk_state_name(Coreweave__Sandbox__V1__State state)
{
    for (size_t i = 0; i < sk_array_len(states); i++) {
        if (states[i].state == state)
            return states[i].name;
    }
    return "unknown";
}

enum sk_code sk_state_parse(const char *name, Coreweave__Sandbox__V1__State *out_state, struct sk_err *err)
{
    for (size_t i = 0; i < sk_array_len(states); i++) {
        if (strcmp(states[i].name, name) == 0) {
            *out_state = states[i].state;
            return SK_OK;
        }
    }
    return sk_fail(err, SK_INVALID_ARGUMENT, "--state %s: no such state", name);
}

Coreweave__Sandbox__V1__State sk_box_state(const sk_shown *box)
{
    return box->status ? box->status->state : COREWEAVE__SANDBOX__V1__STATE__STATE_UNSPECIFIED;
}

bool sk_state_is_final(Coreweave__Sandbox__V1__State state)
{
    return state == COREWEAVE__SANDBOX__V1__STATE__STATE_COMPLETED ||
           state == COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED ||
           state == COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATED;
}
