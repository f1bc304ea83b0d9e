/* host.h: what the runtime spec needs to know of this host. Read once, at start. */
#ifndef SK_CONTAINERD_HOST_H
#define SK_CONTAINERD_HOST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_host_facts {
    char machine[65];     /* uname(2), e.g. "x86_64" */
    uint64_t nofile_hard; /* our hard limit of open files */
    bool swap_accounting; /* the memory controller can limit swap */
};

SK_MUST_CHECK enum sk_code sk_host_read(struct sk_host_facts *out_facts, struct sk_err *err);

#endif
