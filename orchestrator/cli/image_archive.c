#include "cli/image_archive.h"
#include "cli/image_walk.h"
#include "cli/spool.h"

#include "base/buf.h"
#include "oci/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define KEPT_MAX   ((size_t)16 << 20) /* of all files at the first pass */
#define LOADED_MAX ((size_t)64 << 20) /* … and of those that were asked for */

/* --- links ------------------------------------------------------------------------ */

/* Where `target` leads, seen from the folder of `name`; NULL = out of the archive. */
static char *resolve(struct sk_arena *arena, const char *name, const char *target)
{
    const char *slash = strrchr(name, '/');
    size_t len = slash ? (size_t)(slash - name) : 0;
    char *out = sk_arena_alloc(arena, len + strlen(target) + 2);

    memcpy(out, name, len);
    for (const char *part = target; *part; part += strspn(part, "/")) {
        size_t part_len = strcspn(part, "/");
        if (part_len == 2 && part[0] == '.' && part[1] == '.') {
            if (!len)
                return NULL;
            while (len && out[--len] != '/')
                ;
        } else if (part_len != 1 || part[0] != '.') {
            if (len)
                out[len++] = '/';
            memcpy(out + len, part, part_len);
            len += part_len;
        }
        part += part_len;
    }
    out[len] = '\0';
    return out;
}

static const char *target_of(struct sk_arena *arena, const struct sk_walk_item *item)
{
    if (!item->target || item->target[0] == '/')
        return NULL;
    return resolve(arena, item->kind == SK_WALK_SYMLINK ? item->name : "", item->target);
}

/* --- the first pass --------------------------------------------------------------------- */

static enum sk_code append(void *arg, const uint8_t *data, size_t len, struct sk_err *err)
{
    enum sk_code code = sk_buf_append(arg, data, len);
    return code ? sk_fail(err, code, "a file is too large") : SK_OK;
}

/* Manifests and configs are what everybody asks for: they are kept, so that no other pass must look for them.
 */
static enum sk_code keep(struct sk_image_archive *archive, struct sk_walk *walk,
                         struct sk_archive_entry *entry, struct sk_err *err)
{
    struct sk_buf content;

    if (entry->size > (int64_t)SK_OCI_BLOB_MAX || archive->kept_bytes + (size_t)entry->size > KEPT_MAX)
        return SK_OK;
    sk_buf_init(&content, SK_OCI_BLOB_MAX);
    enum sk_code code = sk_walk_read(walk, append, &content, err);
    if (!code && content.len && (content.data[0] == '{' || content.data[0] == '[')) {
        entry->kept = sk_arena_memdup(&archive->arena, content.data, content.len);
        archive->kept_bytes += content.len;
    }
    sk_buf_fini(&content);
    return code;
}

static struct sk_archive_entry *add(struct sk_image_archive *archive, const struct sk_walk_item *item)
{
    if (archive->count == archive->cap) {
        archive->cap = archive->cap ? archive->cap * 2 : 64;
        archive->entries = sk_realloc(archive->entries, archive->cap * sizeof(archive->entries[0]));
    }
    struct sk_archive_entry *entry = &archive->entries[archive->count++];
    *entry = (struct sk_archive_entry){.name = sk_arena_strdup(&archive->arena, item->name),
                                       .is_link = item->kind != SK_WALK_FILE,
                                       .size = item->size};
    if (entry->is_link)
        entry->target = target_of(&archive->arena, item);
    return entry;
}

static enum sk_code list(struct sk_image_archive *archive, struct sk_walk *walk, struct sk_err *err)
{
    struct sk_walk_item item;
    enum sk_code code;
    bool more;

    while (!(code = sk_walk_next(walk, &item, &more, err)) && more) {
        if (item.kind == SK_WALK_OTHER)
            continue;
        if (archive->count == SK_ARCHIVE_ENTRIES_MAX)
            return sk_fail(err, SK_DATA_LOSS, "the archive has more than %d files", SK_ARCHIVE_ENTRIES_MAX);
        struct sk_archive_entry *entry = add(archive, &item);
        code = entry->is_link ? SK_OK : keep(archive, walk, entry, err);
        if (code)
            return code;
    }
    return code;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(struct sk_archive_entry *const *)a)->name, (*(struct sk_archive_entry *const *)b)->name);
}

static enum sk_code sort(struct sk_image_archive *archive, struct sk_err *err)
{
    archive->by_name = sk_arena_alloc(&archive->arena, (archive->count + 1) * sizeof(archive->by_name[0]));
    for (size_t i = 0; i < archive->count; i++)
        archive->by_name[i] = &archive->entries[i];
    qsort(archive->by_name, archive->count, sizeof(archive->by_name[0]), compare);
    for (size_t i = 1; i < archive->count; i++) {
        if (compare(&archive->by_name[i - 1], &archive->by_name[i]) == 0)
            return sk_fail(err, SK_DATA_LOSS, "the archive has two files %.160s", archive->by_name[i]->name);
    }
    return SK_OK;
}

/* --- life ------------------------------------------------------------------------------- */

static enum sk_code open_path(struct sk_image_archive *archive, const char *path, struct sk_err *err)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        return sk_spool(STDIN_FILENO, &archive->fd, err);
    archive->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (archive->fd < 0 || fstat(archive->fd, &info) != 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "%s", path);
    if (S_ISDIR(info.st_mode)) {
        sk_close_fd(&archive->fd);
        archive->folder = path;
    } else if (!S_ISREG(info.st_mode)) { /* a pipe: it can be read only once */
        SK_AUTO_FD int from = sk_take_fd(&archive->fd);
        return sk_spool(from, &archive->fd, err);
    }
    return SK_OK;
}

enum sk_code sk_image_archive_open(struct sk_image_archive *archive, const char *path, struct sk_err *err)
{
    struct sk_walk *walk;

    *archive = (struct sk_image_archive){.fd = -1, .is_open = true};
    enum sk_code code = open_path(archive, path, err);
    if (!code)
        code = sk_walk_open(archive->fd, archive->folder, &walk, err);
    if (code)
        return code;
    code = list(archive, walk, err);
    sk_walk_close(walk);
    return code ? code : sort(archive, err);
}

void sk_image_archive_fini(struct sk_image_archive *archive)
{
    if (archive->is_open)
        sk_close_fd(&archive->fd);
    free(archive->entries);
    sk_arena_fini(&archive->arena);
    *archive = (struct sk_image_archive){0};
}

/* --- look up, read ------------------------------------------------------------------------- */

const struct sk_archive_entry *sk_image_archive_find(const struct sk_image_archive *archive, const char *name)
{
    for (int hops = 0; name && hops <= SK_ARCHIVE_LINKS_MAX; hops++) {
        const struct sk_archive_entry key = {.name = name}, *keys = &key;
        struct sk_archive_entry *const *found =
            bsearch(&keys, archive->by_name, archive->count, sizeof(archive->by_name[0]), compare);
        if (!found)
            return NULL;
        if (!(*found)->is_link)
            return *found;
        name = (*found)->target;
    }
    return NULL;
}

static enum sk_code visit(struct sk_image_archive *archive, struct sk_walk *walk,
                          const struct sk_archive_visitor *visitor, struct sk_err *err)
{
    struct sk_walk_item item;
    enum sk_code code;
    size_t at = 0;
    bool more, wanted;

    while (!(code = sk_walk_next(walk, &item, &more, err)) && more) {
        if (item.kind == SK_WALK_OTHER)
            continue;
        const struct sk_archive_entry *entry = &archive->entries[at];
        if (at++ >= archive->count || strcmp(entry->name, item.name) != 0 || entry->size != item.size)
            return sk_fail(err, SK_DATA_LOSS, "the archive was changed meanwhile");
        wanted = false;
        code = entry->is_link ? SK_OK : visitor->on_file(visitor->arg, entry, &wanted, err);
        if (!code && wanted)
            code = sk_walk_read(walk, visitor->on_bytes, visitor->arg, err);
        if (!code && wanted && visitor->on_end)
            code = visitor->on_end(visitor->arg, err);
        if (code)
            return code;
    }
    return code;
}

enum sk_code sk_image_archive_visit(struct sk_image_archive *archive,
                                    const struct sk_archive_visitor *visitor, struct sk_err *err)
{
    struct sk_walk *walk;
    enum sk_code code = sk_walk_open(archive->fd, archive->folder, &walk, err);

    if (code)
        return code;
    code = visit(archive, walk, visitor, err);
    sk_walk_close(walk);
    return code;
}

struct load {
    const struct sk_archive_entry *entry;
    struct sk_buf content;
};

static enum sk_code on_file(void *arg, const struct sk_archive_entry *entry, bool *out_wanted,
                            struct sk_err *err)
{
    (void)err;
    *out_wanted = entry == ((struct load *)arg)->entry;
    return SK_OK;
}

static enum sk_code on_bytes(void *arg, const uint8_t *data, size_t len, struct sk_err *err)
{
    return append(&((struct load *)arg)->content, data, len, err);
}

enum sk_code sk_image_archive_load(struct sk_image_archive *archive, const struct sk_archive_entry *entry,
                                   const uint8_t **out_data, struct sk_err *err)
{
    struct load load = {.entry = entry};
    const struct sk_archive_visitor visitor = {.on_file = on_file, .on_bytes = on_bytes, .arg = &load};
    size_t size = (size_t)entry->size;

    if (size > SK_OCI_BLOB_MAX || archive->kept_bytes + size > LOADED_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%.160s is too large to be what it should be",
                       entry->name);
    if (!entry->kept) {
        sk_buf_init(&load.content, SK_OCI_BLOB_MAX);
        enum sk_code code = sk_image_archive_visit(archive, &visitor, err);
        if (!code) {
            archive->entries[entry - archive->entries].kept =
                sk_arena_memdup(&archive->arena, size ? load.content.data : (const uint8_t *)"", size);
            archive->kept_bytes += size;
        }
        sk_buf_fini(&load.content);
        if (code)
            return code;
    }
    *out_data = entry->kept;
    return SK_OK;
}
