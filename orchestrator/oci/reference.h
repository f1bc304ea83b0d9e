/* reference.h: image names as people write them, and their full form. Pure.
 *
 * "python" is docker.io/library/python:latest; "ghcr.io/a/b@sha256:…" stays
 * what it is. The rules are those of Docker's reference grammar: a first
 * component with a dot, a colon or an upper-case letter, or "localhost", is
 * a registry. */
#ifndef SK_OCI_REFERENCE_H
#define SK_OCI_REFERENCE_H

#include "base/err.h"
#include "oci/digest.h"

#include <stdbool.h>

#define SK_REFERENCE_MAX 720 /* bytes, of both forms, NUL included */

/* A name, taken apart. The registry is "docker.io" for Docker's, the repository has its "library/". */
struct sk_reference {
    char registry[256]; /* with port, if it has one */
    char repository[256];
    char tag[129];               /* "" = absent, only with a digest */
    char digest[SK_DIGEST_SIZE]; /* "" = absent */
};

/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_reference_parse(const char *text, struct sk_reference *out_reference,
                                              struct sk_err *err);

/* The full form of `text`, NUL-terminated. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_reference_normalise(const char *text, char out_name[SK_REFERENCE_MAX],
                                                  struct sk_err *err);

#endif
