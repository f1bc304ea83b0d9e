#include "config/pattern.h"

#include <string.h>

#define PATTERN_MAX 719 /* no full name is longer */
#define LOWER       "abcdefghijklmnopqrstuvwxyz0123456789._-*:[]"
#define ANY         LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ/@"

/* "docker.io", "localhost", "*"; such as a full name may begin with. */
static bool registry_is_valid(const char *pattern, size_t len)
{
    static const char local[] = "localhost";

    if (strspn(pattern, LOWER) < len)
        return false;
    return strcspn(pattern, "*.:") < len || (len == sizeof(local) - 1 && !strncmp(pattern, local, len));
}

bool sk_pattern_is_valid(const char *pattern)
{
    size_t len = strlen(pattern), registry = strcspn(pattern, "/");
    const char *star = strchr(pattern, '*');

    if (!len || len > PATTERN_MAX || strspn(pattern, ANY) < len || !registry_is_valid(pattern, registry))
        return false;
    if (registry == len) /* the star must stand for the slash too */
        return star;
    return strpbrk(pattern + registry, "*:@");
}
