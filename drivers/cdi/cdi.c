#include "drivers/cdi/cdi.h"

#include "base/arena.h"
#include "base/file.h"
#include "drivers/cdi/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX    ((size_t)1024 * 1024)
#define DEVICES_MAX ((size_t)1024)

struct sk_cdi {
    struct sk_arena arena;
    const struct sk_log *log;
    const struct sk_cdi_options *options; /* while they are read */
    struct sk_device *devices;
    size_t count;
};

static void ignore(const struct sk_cdi *cdi, const char *path, const struct sk_err *why)
{
    sk_log_err(cdi->log, SK_WARN, "cdi.ignored", why, SK_STR("path", path));
}

/* --- whose it is ------------------------------------------------------------------------- */

static enum sk_code check_owner(const char *path, struct sk_err *err)
{
    struct stat info;

    if (stat(path, &info))
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "%.150s", path);
    if ((info.st_uid != 0 && info.st_uid != geteuid()) || (info.st_mode & (S_IWGRP | S_IWOTH)))
        return sk_fail(err, SK_PERMISSION_DENIED, "others than root may write it: chown root, chmod go-w");
    return SK_OK;
}

/* --- one file ------------------------------------------------------------------------------ */

static bool is_wanted(const struct sk_cdi *cdi, const char *kind)
{
    for (const char *const *at = cdi->options->kinds; *at; at++)
        if (strcmp(*at, kind) == 0)
            return true;
    return false;
}

static bool is_all(const struct sk_device *device)
{
    return strcmp(strchr(device->name, '=') + 1, "all") == 0;
}

static bool same_nodes(const struct sk_device *a, const struct sk_device *b)
{
    size_t found = 0;

    if (!a->edits.node_count || a->edits.node_count != b->edits.node_count)
        return false;
    for (size_t i = 0; i < a->edits.node_count; i++)
        for (size_t j = 0; j < b->edits.node_count; j++)
            found += strcmp(a->edits.nodes[i].path, b->edits.nodes[j].path) == 0;
    return found == a->edits.node_count;
}

/* The place of a device that is this one already, by its name or by another; NULL = there is none. */
static struct sk_device *find(struct sk_cdi *cdi, const struct sk_device *device)
{
    for (size_t i = 0; i < cdi->count; i++)
        if (strcmp(cdi->devices[i].name, device->name) == 0)
            return &cdi->devices[i];
    for (size_t i = 0; i < cdi->count; i++)
        if (strcmp(cdi->devices[i].type, device->type) == 0 && same_nodes(&cdi->devices[i], device))
            return &cdi->devices[i];
    return NULL;
}

static void add(struct sk_cdi *cdi, const struct sk_device *device)
{
    struct sk_device *same = is_all(device) ? NULL : find(cdi, device);

    if (is_all(device))
        return;
    if (same && strcmp(same->name, device->name) != 0)
        return; /* another name of it */
    if (!same && cdi->count == DEVICES_MAX)
        return;
    if (!same)
        same = &cdi->devices[cdi->count++];
    *same = *device;
}

static void read_file(struct sk_cdi *cdi, const char *path)
{
    SK_AUTO_FREE char *text = NULL;
    struct sk_cdi_file file = {0};
    struct sk_err err = {0};
    size_t len = 0;
    mode_t mode;

    if (check_owner(path, &err) || sk_file_load(path, FILE_MAX, &text, &len, &mode, &err) ||
        sk_cdi_file_parse(text, len, &cdi->arena, &file, &err)) {
        ignore(cdi, path, &err);
        return;
    }
    for (size_t i = 0; is_wanted(cdi, file.kind) && i < file.count; i++)
        add(cdi, &file.devices[i]);
}

/* --- folders --------------------------------------------------------------------------------- */

static int is_ours(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name &&
           (!strcmp(dot, ".json") || !strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static void read_folder(struct sk_cdi *cdi, const char *folder)
{
    struct dirent **entries = NULL;
    struct sk_err err = {0};
    int count = scandir(folder, &entries, is_ours, alphasort);

    if (count < 0)
        return; /* most hosts have none */
    enum sk_code code = check_owner(folder, &err);
    if (code != SK_OK && count > 0)
        ignore(cdi, folder, &err);
    for (int i = 0; i < count; i++) {
        SK_AUTO_FREE char *path = sk_printf("%s/%s", folder, entries[i]->d_name);
        if (code == SK_OK)
            read_file(cdi, path);
        free(entries[i]);
    }
    free(entries);
}

/* --- all --------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct sk_device *one = a, *other = b;
    return strverscmp(one->name, other->name);
}

struct sk_cdi *sk_cdi_read(const struct sk_log *log, const struct sk_cdi_options *options)
{
    struct sk_cdi *cdi = sk_alloc(sizeof(*cdi));

    cdi->log = log;
    cdi->options = options;
    cdi->devices = sk_arena_alloc(&cdi->arena, DEVICES_MAX * sizeof(cdi->devices[0]));
    for (const char *const *at = options->folders; *at; at++)
        read_folder(cdi, *at);
    qsort(cdi->devices, cdi->count, sizeof(cdi->devices[0]), by_name);
    for (size_t i = 0; i < cdi->count; i++)
        if (*options->type)
            cdi->devices[i].type = options->type;
    cdi->options = NULL;
    if (cdi->count)
        sk_log(log, SK_INFO, "cdi.devices", SK_INT("count", (int64_t)cdi->count));
    return cdi;
}

const struct sk_device *sk_cdi_devices(const struct sk_cdi *cdi, size_t *out_count)
{
    *out_count = cdi->count;
    return cdi->devices;
}

void sk_cdi_free(struct sk_cdi *cdi)
{
    if (!cdi)
        return;
    sk_arena_fini(&cdi->arena);
    free(cdi);
}
