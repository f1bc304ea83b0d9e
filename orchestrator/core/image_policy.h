/* image_policy.h: which images may be used, by patterns on their full names
 * ("docker.io/library/python:3.11"); "*" stands for any text. Pure.
 *
 * A name is allowed when no pattern of `deny` matches, and one of `allow`
 * does, or there is none. Deny patterns also match a name that says the same
 * in other words: a registry in capitals or with ":443", a digest behind the
 * tag. They name images, not machines: one registry may have several host
 * names, so whoever must be kept to some has an allow list. */
#ifndef SK_CORE_IMAGE_POLICY_H
#define SK_CORE_IMAGE_POLICY_H

#include "base/err.h"

#include <stdbool.h>

/* patterns: NULL-terminated or NULL. The first that matches, or NULL; borrowed. */
const char *sk_image_patterns_find(const char *const *patterns, const char *name);

/* name: normalised. Errors: SK_PERMISSION_DENIED + SK_REASON_IMAGE, naming the rule. */
SK_MUST_CHECK enum sk_code sk_image_policy_check(const char *const *allow, const char *const *deny,
                                                 const char *name, struct sk_err *err);
#define SK_REASON_IMAGE "IMAGE_NOT_ALLOWED"

#endif
