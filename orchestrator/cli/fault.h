/* fault.h: what went wrong, as told to the user: the error, and the server's
 * machine-readable reason if it gave one. */
#ifndef SK_CLI_FAULT_H
#define SK_CLI_FAULT_H

#include "base/err.h"

#include <stdint.h>

struct sk_fault {
    struct sk_err err;
    char reason[64];  /* ErrorInfo.reason, or empty */
    char notes[2048]; /* what is wrong with fields of the request, a line each, as far as there is room */
};

/* `details`: packed google.rpc.Status from a server; malformed ones are ignored. */
void sk_fault_set(struct sk_fault *fault, const struct sk_err *err, const uint8_t *details, size_t len);
/* One line on stderr: "sandkeep: <text> (<reason>)". */
void sk_fault_print(const struct sk_fault *fault);
/* And the notes after it. */
void sk_fault_print_all(const struct sk_fault *fault);
/* The same of an error that has no reason. */
void sk_fault_print_err(const struct sk_err *err);

#endif
