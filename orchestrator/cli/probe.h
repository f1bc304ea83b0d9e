/* probe.h: what is at a path in a sandbox, as a shell there tells it. The
 * answer is the sandbox's word: good for choosing a way, not for trusting. */
#ifndef SK_CLI_PROBE_H
#define SK_CLI_PROBE_H

#include "cli/client.h"

#include <sys/types.h>

struct sk_probe {
    enum { SK_PROBE_UNKNOWN, SK_PROBE_NOTHING, SK_PROBE_FILE, SK_PROBE_FOLDER } kind;
    int64_t size; /* -1 = not known */
    mode_t mode;  /* its lowest nine bits; 0 = not known */
    bool shell;   /* there is one: UNKNOWN otherwise */
    bool tar;
};

SK_MUST_CHECK enum sk_code sk_probe(struct sk_client *client, const char *sandbox_id, const char *path,
                                    struct sk_probe *out_probe, struct sk_fault *fault);
/* What the shell's answer means. Pure. */
struct sk_probe sk_probe_read(const char *answer);

#endif
