#include "drivers/containerd/bundle.h"

#include "base/own.h"
#include "base/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERB   "mkdir "
#define EXISTS ": file exists"
/* What shims write first of all (runtime/v2/runc/container.go, WriteRuntime), and need to clean up. */
#define BEGUN "runtime"

static bool ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text), tail_len = strlen(tail);
    return len > tail_len && strcmp(text + len - tail_len, tail) == 0;
}

char *sk_bundle_in_the_way(const char *refusal, const char *namespace, const char *id)
{
    SK_AUTO_FREE char *tail = sk_printf("/io.containerd.runtime.v2.task/%s/%s", namespace, id);
    const char *verb = strstr(refusal, VERB);
    const char *path = verb ? verb + strlen(VERB) : refusal;
    const char *end = strstr(path, EXISTS);

    if (!verb || !end || *path != '/')
        return NULL;
    SK_AUTO_FREE char *found = sk_strndup(path, (size_t)(end - path));
    return ends_with(found, tail) && !strstr(found, "/../") ? sk_take(found) : NULL;
}

enum sk_code sk_bundle_remove_unused(const char *path, struct sk_err *err)
{
    const char *name = strrchr(path, '/') + 1;
    SK_AUTO_FREE char *runtime = sk_printf("%s/" BEGUN, path);
    SK_AUTO_FREE char *hidden = sk_printf("%.*s.%s", (int)(name - path), path, name);

    if (access(runtime, F_OK) == 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "a task was begun in %s", path);
    if (sk_tree_remove(hidden, err) != SK_OK)
        return err->code;
    if (rename(path, hidden) < 0)
        return errno == ENOENT ? SK_OK
                               : sk_fail_sys(err, sk_code_from_errno(errno), errno, "rename %s", path);
    return sk_tree_remove(hidden, err);
}
