/* reference.h: image names as people write them, and their full form. Pure.
 *
 * "python" is docker.io/library/python:latest; "ghcr.io/a/b@sha256:…" stays
 * what it is. The rules are those of Docker's reference grammar: a first
 * component with a dot or a colon, or "localhost", is a registry.
 *
 * A registry has one spelling, so that rules about it cannot be got round by
 * another: lower case, without the port 443, Docker's always "docker.io". */
#ifndef SK_OCI_REFERENCE_H
#define SK_OCI_REFERENCE_H

#include "base/err.h"
#include "oci/digest.h"

#include <stdbool.h>

#define SK_REFERENCE_MAX 720 /* bytes, of both forms, NUL included */

/* A name, taken apart, as in its full form: Docker's own repositories have their "library/". */
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

/* Whether it is one of the names that Docker's own registry goes by; "" is none. */
bool sk_registry_is_docker_hub(const char *registry);

#endif
