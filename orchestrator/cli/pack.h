/* pack.h: a local folder as a tar archive. */
#ifndef SK_CLI_PACK_H
#define SK_CLI_PACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_pack_sink {
    /* False: nobody takes it any more. */
    bool (*write)(void *arg, const uint8_t *data, size_t len);
    /* Left out, and why; the rest goes on. */
    void (*skipped)(void *arg, const char *name, const char *why);
    void *arg;
};

/* Names are relative to the folder, which has no entry itself; owners are root; symbolic links stay links. */
SK_MUST_CHECK enum sk_code sk_pack(const char *folder, const struct sk_pack_sink *sink, struct sk_err *err);

#endif
