#include "drivers/cdi/file.h"

#include "drivers/cdi/doc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NAME_CHAR "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct reader {
    struct sk_cdi_doc doc;
    struct sk_arena *arena;
    struct sk_err *err;
};

/* --- names ------------------------------------------------------------------------------- */

static bool is_word(const char *text, size_t len, const char *more)
{
    if (!len || !strchr(NAME_CHAR, text[0]) || strchr("._-", text[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!strchr(NAME_CHAR, text[i]) && !strchr(more, text[i]))
            return false;
    return true;
}

/* "vendor/class" */
static bool kind_is_valid(const char *kind)
{
    const char *slash = strchr(kind, '/');
    return slash && is_word(kind, (size_t)(slash - kind), "") && is_word(slash + 1, strlen(slash + 1), "");
}

/* Absolute, and nothing in it climbs. */
static bool path_is_sound(const char *path)
{
    size_t len = strlen(path);
    return path[0] == '/' && path[1] && !strstr(path, "/../") && !strstr(path, "//") &&
           !(len >= 3 && strcmp(path + len - 3, "/..") == 0);
}

/* Where the sandbox has things of ours, and of the kernel's. */
static bool is_taken(const char *path)
{
    static const char *const ours[] = {"/.sandkeep", "/proc", "/sys/fs/cgroup"};
    for (size_t i = 0; i < sk_array_len(ours); i++) {
        size_t len = strlen(ours[i]);
        if (strncmp(path, ours[i], len) == 0 && (!path[len] || path[len] == '/'))
            return true;
    }
    return false;
}

static enum sk_code check_target(const struct reader *r, const char *path, const char *what)
{
    if (path_is_sound(path) && !is_taken(path))
        return SK_OK;
    return sk_fail(r->err, SK_INVALID_ARGUMENT, "%s \"%.100s\" is no place in a sandbox", what, path);
}

/* --- device nodes -------------------------------------------------------------------------- */

/* What the file leaves open is as it is on the host. */
static enum sk_code ask_host(const struct reader *r, const char *host_path, const char *type,
                             struct sk_device_node *out)
{
    struct stat info;

    if (stat(host_path, &info))
        return sk_fail_sys(r->err, SK_NOT_FOUND, errno, "device node %.150s", host_path);
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "%.150s is not a device node", host_path);
    out->type = S_ISCHR(info.st_mode) ? 'c' : 'b';
    if (*type && (type[1] || (type[0] != out->type && !(type[0] == 'u' && out->type == 'c'))))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "%.150s is not of type \"%.8s\"", host_path, type);
    out->major = major(info.st_rdev);
    out->minor = minor(info.st_rdev);
    out->mode = info.st_mode & 0777;
    out->uid = info.st_uid;
    out->gid = info.st_gid;
    return SK_OK;
}

static enum sk_code read_node(struct reader *r, const yaml_node_t *map, struct sk_device_node *out)
{
    const char *host_path, *type;
    struct sk_err *err = r->err;
    enum sk_code code;

    if ((code = sk_cdi_text(&r->doc, map, "path", r->arena, &out->path, err)) ||
        (code = sk_cdi_text(&r->doc, map, "hostPath", r->arena, &host_path, err)) ||
        (code = sk_cdi_text(&r->doc, map, "type", r->arena, &type, err)) ||
        (code = sk_cdi_text(&r->doc, map, "permissions", r->arena, &out->permissions, err)) ||
        (code = check_target(r, out->path, "device node")) ||
        (code = ask_host(r, *host_path ? host_path : out->path, type, out)) ||
        (code = sk_cdi_number(&r->doc, map, "major", &out->major, err)) ||
        (code = sk_cdi_number(&r->doc, map, "minor", &out->minor, err)) ||
        (code = sk_cdi_number(&r->doc, map, "fileMode", &out->mode, err)) ||
        (code = sk_cdi_number(&r->doc, map, "uid", &out->uid, err)) ||
        (code = sk_cdi_number(&r->doc, map, "gid", &out->gid, err)))
        return code;
    if (!*out->permissions)
        out->permissions = "rwm";
    out->mode &= 0777;
    if (strspn(out->permissions, "rwm") != strlen(out->permissions))
        return sk_fail(err, SK_INVALID_ARGUMENT, "permissions \"%.20s\" are not some of rwm",
                       out->permissions);
    return SK_OK;
}

static enum sk_code read_nodes(struct reader *r, const yaml_node_t *map, struct sk_device_edits *out)
{
    const yaml_node_t *list = sk_cdi_member(&r->doc, map, "deviceNodes");
    size_t count;
    enum sk_code code = sk_cdi_count(list, "deviceNodes", &count, r->err);
    struct sk_device_node *nodes = sk_arena_alloc(r->arena, (count + 1) * sizeof(nodes[0]));

    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = read_node(r, sk_cdi_element(&r->doc, list, i), &nodes[i]);
    out->nodes = nodes;
    out->node_count = count;
    return code;
}

/* --- mounts ---------------------------------------------------------------------------------- */

static bool has_word(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static const char *const *with_bind(struct sk_arena *arena, const char *const *options)
{
    size_t count = 0;

    while (options[count])
        count++;
    const char **out = sk_arena_alloc(arena, (count + 2) * sizeof(out[0]));
    memcpy(out, options, count * sizeof(out[0]));
    out[count] = "rbind";
    return out;
}

static enum sk_code read_mount(struct reader *r, const yaml_node_t *map, struct sk_device_mount *out)
{
    enum sk_code code;

    if ((code = sk_cdi_text(&r->doc, map, "hostPath", r->arena, &out->source, r->err)) ||
        (code = sk_cdi_text(&r->doc, map, "containerPath", r->arena, &out->target, r->err)) ||
        (code = sk_cdi_text(&r->doc, map, "type", r->arena, &out->type, r->err)) ||
        (code = sk_cdi_texts(&r->doc, map, "options", r->arena, &out->options, r->err)) ||
        (code = check_target(r, out->target, "mount")))
        return code;
    if (!*out->type || strcmp(out->type, "none") == 0)
        out->type = "bind";
    if (strcmp(out->type, "bind") == 0 && !path_is_sound(out->source))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "mount of \"%.100s\": not an absolute path", out->source);
    if (strcmp(out->type, "bind") == 0 && !has_word(out->options, "bind") && !has_word(out->options, "rbind"))
        out->options = with_bind(r->arena, out->options);
    return SK_OK;
}

static enum sk_code read_mounts(struct reader *r, const yaml_node_t *map, struct sk_device_edits *out)
{
    const yaml_node_t *list = sk_cdi_member(&r->doc, map, "mounts");
    size_t count;
    enum sk_code code = sk_cdi_count(list, "mounts", &count, r->err);
    struct sk_device_mount *mounts = sk_arena_alloc(r->arena, (count + 1) * sizeof(mounts[0]));

    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = read_mount(r, sk_cdi_element(&r->doc, list, i), &mounts[i]);
    out->mounts = mounts;
    out->mount_count = count;
    return code;
}

/* --- hooks ------------------------------------------------------------------------------------ */

/* As the OCI runtime specification names them; NULL = there is none such. */
static const char *when_of(const char *name)
{
    static const char *const names[] = {"prestart",       "createRuntime", "createContainer",
                                        "startContainer", "poststart",     "poststop"};
    for (size_t i = 0; i < sk_array_len(names); i++)
        if (strcmp(names[i], name) == 0)
            return names[i];
    return NULL;
}

static enum sk_code read_hook(struct reader *r, const yaml_node_t *map, struct sk_device_hook *out)
{
    const char *name;
    enum sk_code code;

    if ((code = sk_cdi_text(&r->doc, map, "hookName", r->arena, &name, r->err)) ||
        (code = sk_cdi_text(&r->doc, map, "path", r->arena, &out->path, r->err)) ||
        (code = sk_cdi_texts(&r->doc, map, "args", r->arena, &out->args, r->err)) ||
        (code = sk_cdi_texts(&r->doc, map, "env", r->arena, &out->env, r->err)) ||
        (code = sk_cdi_number(&r->doc, map, "timeout", &out->timeout, r->err)))
        return code;
    out->when = when_of(name);
    if (!out->when)
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "there is no hook \"%.40s\"", name);
    if (!path_is_sound(out->path))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "hook \"%.100s\": not an absolute path", out->path);
    return SK_OK;
}

static enum sk_code read_hooks(struct reader *r, const yaml_node_t *map, struct sk_device_edits *out)
{
    const yaml_node_t *list = sk_cdi_member(&r->doc, map, "hooks");
    size_t count;
    enum sk_code code = sk_cdi_count(list, "hooks", &count, r->err);
    struct sk_device_hook *hooks = sk_arena_alloc(r->arena, (count + 1) * sizeof(hooks[0]));

    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = read_hook(r, sk_cdi_element(&r->doc, list, i), &hooks[i]);
    out->hooks = hooks;
    out->hook_count = count;
    return code;
}

/* --- edits, devices --------------------------------------------------------------------------- */

static enum sk_code read_env(struct reader *r, const yaml_node_t *map, struct sk_device_edits *out)
{
    enum sk_code code = sk_cdi_texts(&r->doc, map, "env", r->arena, &out->env, r->err);

    for (size_t i = 0; code == SK_OK && out->env[i]; i++)
        if (!strchr(out->env[i], '=') || out->env[i][0] == '=')
            code = sk_fail(r->err, SK_INVALID_ARGUMENT, "env \"%.60s\" is not NAME=value", out->env[i]);
    return code;
}

static enum sk_code read_edits(struct reader *r, const yaml_node_t *owner, struct sk_device_edits *out)
{
    const yaml_node_t *map = sk_cdi_member(&r->doc, owner, "containerEdits");
    enum sk_code code;

    if ((code = read_env(r, map, out)) || (code = read_nodes(r, map, out)) ||
        (code = read_mounts(r, map, out)))
        return code;
    return read_hooks(r, map, out);
}

static enum sk_code read_device(struct reader *r, const yaml_node_t *map,
                                const struct sk_device_edits *common, struct sk_cdi_file *file)
{
    struct sk_device *out = &file->devices[file->count];
    const char *name;
    enum sk_code code = sk_cdi_text(&r->doc, map, "name", r->arena, &name, r->err);

    if (code)
        return code;
    if (!is_word(name, strlen(name), ":"))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "\"%.60s\" is no name of a device", name);
    out->name = sk_arena_printf(r->arena, "%s=%s", file->kind, name);
    out->type = file->kind;
    out->common = common;
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->devices[i].name, out->name) == 0)
            return sk_fail(r->err, SK_INVALID_ARGUMENT, "device \"%.60s\" stands there twice", name);
    file->count++;
    code = read_edits(r, map, &out->edits);
    return code ? sk_err_wrap(r->err, "device %.60s", name) : SK_OK;
}

static enum sk_code read_devices(struct reader *r, const yaml_node_t *root, struct sk_cdi_file *out)
{
    struct sk_device_edits *common = sk_arena_alloc(r->arena, sizeof(*common));
    const yaml_node_t *list = sk_cdi_member(&r->doc, root, "devices");
    size_t count;
    enum sk_code code;

    if ((code = read_edits(r, root, common)) || (code = sk_cdi_count(list, "devices", &count, r->err)))
        return code;
    out->devices = sk_arena_alloc(r->arena, (count + 1) * sizeof(out->devices[0]));
    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = read_device(r, sk_cdi_element(&r->doc, list, i), common, out);
    return code;
}

static enum sk_code read_file(struct reader *r, struct sk_cdi_file *out)
{
    const yaml_node_t *root = sk_cdi_doc_root(&r->doc);
    const char *version;
    enum sk_code code;

    if ((code = sk_cdi_text(&r->doc, root, "cdiVersion", r->arena, &version, r->err)) ||
        (code = sk_cdi_text(&r->doc, root, "kind", r->arena, &out->kind, r->err)))
        return code;
    if (strncmp(version, "0.", 2) != 0 && strncmp(version, "1.", 2) != 0)
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "cdiVersion \"%.20s\" is not known here", version);
    if (!kind_is_valid(out->kind))
        return sk_fail(r->err, SK_INVALID_ARGUMENT, "kind \"%.60s\" is not vendor/class", out->kind);
    return read_devices(r, root, out);
}

enum sk_code sk_cdi_file_parse(const char *text, size_t len, struct sk_arena *arena,
                               struct sk_cdi_file *out_file, struct sk_err *err)
{
    struct reader r = {.arena = arena, .err = err};
    struct sk_cdi_file file = {0};
    enum sk_code code = sk_cdi_doc_load(&r.doc, text, len, err);

    if (code == SK_OK)
        code = read_file(&r, &file);
    sk_cdi_doc_fini(&r.doc);
    if (code == SK_OK)
        *out_file = file;
    return code;
}
