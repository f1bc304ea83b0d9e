#include "drivers/nftables/reasons.h"

#include "base/own.h"

#include <string.h>

static const char ingress[] = "ingress";
static const char *const reasons[] = {"spoofed", "platform", "peer",       "egress",
                                      "node",    ingress,    "connections"};

const char *sk_reason_nth(size_t index)
{
    return index < sk_array_len(reasons) ? reasons[index] : NULL;
}

const char *sk_reason_find(const char *word)
{
    for (size_t i = 0; i < sk_array_len(reasons); i++) {
        if (strcmp(reasons[i], word) == 0)
            return reasons[i];
    }
    return NULL;
}

bool sk_reason_is_inward(const char *reason)
{
    return strcmp(reason, ingress) == 0;
}
