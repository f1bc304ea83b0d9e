#include "drivers/containerd/overlay.h"
#include "containerd/types.pb-c.h"

#include <string.h>

#define LOWERS_MAX 128 /* a descriptor each while they are looked at */

/* ".../snapshots/7/fs" → ".../snapshots/7"; NULL = it is something else. */
static char *snapshot_of(struct sk_arena *arena, const char *path)
{
    size_t len = strlen(path);

    if (path[0] != '/' || len < 4 || strcmp(path + len - 3, "/fs") != 0 || strstr(path, "/../"))
        return NULL;
    return sk_arena_strndup(arena, path, len - 3);
}

/* Whether two snapshots lie in one folder. */
static bool is_beside(const char *a, const char *b)
{
    const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');

    return end_a - a == end_b - b && strncmp(a, b, (size_t)(end_a - a)) == 0;
}

static bool read_lowers(struct sk_arena *arena, const char *text, struct sk_ctd_overlay *out)
{
    char *rest = NULL, *all = sk_arena_strdup(arena, text);

    out->lowers = sk_arena_alloc(arena, LOWERS_MAX * sizeof(*out->lowers));
    for (char *one = strtok_r(all, ":", &rest); one; one = strtok_r(NULL, ":", &rest)) {
        const char *snapshot = snapshot_of(arena, one);
        if (!snapshot || !is_beside(snapshot, out->snapshot) || out->lower_count == LOWERS_MAX)
            return false;
        out->lowers[out->lower_count++] = one;
    }
    return out->lower_count > 0;
}

static const char *option(const Containerd__Mount *mount, const char *name)
{
    for (size_t i = 0; i < mount->n_options; i++)
        if (strncmp(mount->options[i], name, strlen(name)) == 0)
            return mount->options[i] + strlen(name);
    return NULL;
}

bool sk_ctd_overlay_read(struct sk_arena *arena, Containerd__Mount *const *mounts, size_t count,
                         struct sk_ctd_overlay *out)
{
    struct sk_ctd_overlay found = {0};

    if (count != 1)
        return false;
    if (strcmp(mounts[0]->type, "bind") == 0) {
        found.snapshot = snapshot_of(arena, mounts[0]->source);
    } else if (strcmp(mounts[0]->type, "overlay") == 0) {
        const char *upper = option(mounts[0], "upperdir="), *lowers = option(mounts[0], "lowerdir=");
        found.snapshot = upper ? snapshot_of(arena, upper) : NULL;
        if (!found.snapshot || !lowers || !read_lowers(arena, lowers, &found))
            return false;
    }
    if (!found.snapshot)
        return false;
    *out = found;
    return true;
}

Containerd__Mount *sk_ctd_overlay_alone(struct sk_arena *arena, const char *snapshot)
{
    Containerd__Mount *mount = sk_arena_alloc(arena, sizeof(*mount));

    containerd__mount__init(mount);
    mount->type = sk_arena_strdup(arena, "overlay");
    mount->source = sk_arena_strdup(arena, "overlay");
    mount->options = sk_arena_alloc(arena, 2 * sizeof(*mount->options));
    mount->options[mount->n_options++] = sk_arena_printf(arena, "workdir=%s/work", snapshot);
    mount->options[mount->n_options++] = sk_arena_printf(arena, "upperdir=%s/fs", snapshot);
    return mount;
}
