/* copy.h: files and folders into and out of a sandbox.
 *
 * A small file is one call; a big one flows through `cat` there, a folder
 * through `tar`. A file appears whole or not at all, here and there. All tell
 * what went wrong themselves, and return the exit code. */
#ifndef SK_CLI_COPY_H
#define SK_CLI_COPY_H

#include "cli/client.h"
#include "cli/place.h"
#include "cli/probe.h"

/* `from` is no sandbox, `to` is one. */
int sk_copy_in(struct sk_client *client, const struct sk_place *from, const struct sk_place *to);
/* The other way round. */
int sk_copy_out(struct sk_client *client, const struct sk_place *from, const struct sk_place *to);

/* The exit code of a copy that failed; tells why, unless a signal is why. */
int sk_copy_failed(const struct sk_client *client, const struct sk_fault *fault);
/* A fault made here. */
#define sk_copy_fault(fault, ...)                                                                            \
    (*(fault) = (struct sk_fault){0}, sk_fail(&(fault)->err, SK_FAILED_PRECONDITION, __VA_ARGS__))
/* Tells that something was left out; *skipped becomes true. */
void sk_copy_skipped(bool *skipped, const char *name, const char *why);

#endif
