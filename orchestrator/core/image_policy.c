#include "core/image_policy.h"

#include "oci/reference.h"

#include <string.h>

/* A star that was passed is tried with one more letter each time what follows it fails; only the last star
 * needs that, so the time is bounded by the product of both lengths. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;

    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

const char *sk_image_patterns_find(const char *const *patterns, const char *name)
{
    for (; patterns && *patterns; patterns++)
        if (matches(*patterns, name))
            return *patterns;
    return NULL;
}

/* --- the same name in other words ------------------------------------------------ */

static void lower(char *at, const char *end)
{
    for (; at < end; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
}

/* The registry as most would write it. */
static void plain_registry(char name[SK_REFERENCE_MAX])
{
    static const char port[] = ":443";
    char *slash = strchr(name, '/');

    if (!slash)
        return;
    lower(name, slash);
    if (slash - name > (ptrdiff_t)strlen(port) && !strncmp(slash - strlen(port), port, strlen(port)))
        memmove(slash - strlen(port), slash, strlen(slash) + 1);
}

static const char *find_denial(const char *const *deny, const char *name)
{
    char plain[SK_REFERENCE_MAX];
    const char *found = sk_image_patterns_find(deny, name);

    if (found || !deny || strlen(name) >= sizeof(plain))
        return found;
    memcpy(plain, name, strlen(name) + 1);
    plain_registry(plain);
    found = sk_image_patterns_find(deny, plain);
    if (found)
        return found;
    plain[strcspn(plain, "@")] = '\0';
    return sk_image_patterns_find(deny, plain);
}

enum sk_code sk_image_policy_check(const char *const *allow, const char *const *deny, const char *name,
                                   struct sk_err *err)
{
    const char *rule = find_denial(deny, name);

    if (rule) {
        (void)sk_fail(err, SK_PERMISSION_DENIED, "image %s may not be used: image_deny has \"%.64s\"", name,
                      rule);
    } else if (allow && *allow && !sk_image_patterns_find(allow, name)) {
        (void)sk_fail(err, SK_PERMISSION_DENIED, "image %s may not be used: image_allow does not name it",
                      name);
    } else {
        return SK_OK;
    }
    (void)sk_err_reason(err, SK_REASON_IMAGE);
    return SK_PERMISSION_DENIED;
}
