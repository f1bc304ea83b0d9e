/* load.c: the files of a configuration (config.h). Blocks. */
#include "base/file.h"
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX ((size_t)1024 * 1024)

/* The files, in the order in which they are read. */
struct files {
    struct sk_arena arena;
    struct sk_config_file items[SK_CONFIG_FILES_MAX];
    size_t len;
};

static void files_fini(struct files *files)
{
    sk_arena_fini(&files->arena);
}

static enum sk_code add_file(struct files *files, const char *path, struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    enum sk_code code = sk_file_load(path, FILE_SIZE_MAX, &text, &len, &mode, err);

    if (code == SK_OK)
        files->items[files->len++] = (struct sk_config_file){
            .name = sk_arena_strdup(&files->arena, path),
            .text = sk_arena_memdup(&files->arena, text, len),
            .len = len,
            .is_public = mode & S_IROTH,
        };
    return code;
}

static int is_drop_in(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* What cannot be read is a fault, not an error: it must not hide the others'. */
static void add_drop_in(struct files *files, const char *folder, const char *name, struct sk_faults *faults)
{
    const char *path = sk_arena_printf(&files->arena, "%s/%s", folder, name);
    const struct sk_origin origin = {path, 0};
    struct sk_err err = {0};

    if (files->len == SK_CONFIG_FILES_MAX)
        sk_faults_at(faults, origin, "", "is one file too many, give up to %d", SK_CONFIG_FILES_MAX - 1);
    else if (add_file(files, path, &err) != SK_OK)
        sk_faults_at(faults, origin, "", "%s", err.text);
}

static void add_drop_ins(struct files *files, const char *folder, struct sk_faults *faults)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_drop_in, by_name);

    if (count < 0 && errno != ENOENT)
        sk_faults_at(faults, (struct sk_origin){folder, 0}, "", "cannot be read: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        add_drop_in(files, folder, entries[i]->d_name, faults);
        free(entries[i]);
    }
    free(entries);
}

static const char *folder_of(struct sk_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? sk_arena_printf(arena, "%.*s/" SK_CONFIG_FOLDER, (int)(slash - path), path)
                 : SK_CONFIG_FOLDER;
}

enum sk_code sk_config_load(struct sk_config *config, const char *path, struct sk_faults *faults,
                            struct sk_err *err)
{
    SK_CLEANUP(files_fini) struct files files = {.len = 0};
    enum sk_code code = add_file(&files, path, err);

    *config = (struct sk_config){.exposes_keys = false};
    if (code != SK_OK)
        return code;
    add_drop_ins(&files, folder_of(&files.arena, path), faults);
    bool is_right = sk_config_read(config, files.items, files.len, faults);
    if (is_right && !faults->count)
        return SK_OK;
    sk_config_fini(config);
    return sk_fail(err, SK_INVALID_ARGUMENT, "%s has %d fault%s", path, faults->count,
                   faults->count == 1 ? "" : "s");
}
