/* plugin.h: one plugin, run once (CNI specification 1.0, section 2). Blocks. */
#ifndef SK_CNI_PLUGIN_H
#define SK_CNI_PLUGIN_H

#include "base/err.h"

struct sk_cni_call {
    const char *command; /* "ADD", "DEL" */
    const char *id, *netns;
    const char *plugins; /* directory */
    const char *type;    /* the plugin's file in it */
    const char *request; /* what it reads */
};

/* *out_answer: what it printed; heap. Errors: SK_FAILED_PRECONDITION (not there; its own words),
 * SK_DEADLINE_EXCEEDED (30 s; it is killed). */
SK_MUST_CHECK enum sk_code sk_cni_run(const struct sk_cni_call *call, char **out_answer, struct sk_err *err);

#endif
