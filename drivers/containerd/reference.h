/* reference.h: image names as people write them, and their full form. Pure.
 *
 * "python" is docker.io/library/python:latest; "ghcr.io/a/b@sha256:…" stays
 * what it is. The rules are those of Docker's reference grammar: a first
 * component with a dot, a colon or an upper-case letter, or "localhost", is
 * a registry. */
#ifndef SK_CONTAINERD_REFERENCE_H
#define SK_CONTAINERD_REFERENCE_H

#include "base/err.h"

#include <stdbool.h>

#define SK_REFERENCE_MAX 512 /* bytes, of both forms, NUL included */

/* The full form of `text`, NUL-terminated. Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_reference_normalise(const char *text, char out_name[SK_REFERENCE_MAX],
                                                  struct sk_err *err);

/* Whether `text` is "sha256:" and 64 lower-case hexadecimal digits. */
bool sk_digest_is_valid(const char *text);

#endif
