#include "base/program.h"
#include "base/own.h"

#include <string.h>
#include <unistd.h>

char *sk_program_find(const char *name)
{
    const char *path = getenv("PATH");

    if (strchr(name, '/'))
        return name[0] == '/' && access(name, X_OK) == 0 ? sk_strdup(name) : NULL;
    SK_AUTO_FREE char *folders = sk_printf("%s:/usr/sbin:/usr/local/sbin", path ? path : "/usr/bin:/bin");
    char *rest = NULL;
    for (char *folder = strtok_r(folders, ":", &rest); folder; folder = strtok_r(NULL, ":", &rest)) {
        SK_AUTO_FREE char *candidate = sk_printf("%s/%s", folder, name);
        if (candidate[0] == '/' && access(candidate, X_OK) == 0)
            return sk_take(candidate);
    }
    return NULL;
}
