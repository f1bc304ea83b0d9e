#include "cli/image_walk.h"
#include "cli/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define BLOCK ((size_t)1 << 20)

struct sk_walk {
    struct archive *archive;
    const char *folder; /* borrowed; NULL: an archive */
    const char *name;   /* of what stands next */
    int64_t size;       /* … */
};

static enum sk_code fail(const struct sk_walk *walk, const char *name, struct sk_err *err)
{
    const char *text = archive_error_string(walk->archive);
    return sk_fail(err, SK_DATA_LOSS, "%s: %s", name, text ? text : "cannot be read");
}

/* Only what libarchive can undo by itself: of other kinds it would start programs. */
static int open_tar(struct archive *archive, int fd)
{
    if (lseek(fd, 0, SEEK_SET) != 0 || archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(archive) != ARCHIVE_OK)
        return ARCHIVE_FATAL;
    return archive_read_open_fd(archive, fd, BLOCK);
}

static int open_folder(struct archive *archive, const char *folder)
{
    (void)archive_read_disk_set_symlink_physical(archive);
    (void)archive_read_disk_set_behavior(archive, ARCHIVE_READDISK_NO_SPARSE | ARCHIVE_READDISK_NO_XATTR |
                                                      ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS);
    return archive_read_disk_open(archive, folder);
}

enum sk_code sk_walk_open(int fd, const char *folder, struct sk_walk **out_walk, struct sk_err *err)
{
    struct sk_walk *walk = sk_alloc(sizeof(*walk));

    walk->folder = fd < 0 ? folder : NULL;
    walk->archive = fd < 0 ? archive_read_disk_new() : archive_read_new();
    if (!walk->archive)
        abort(); /* no memory, see own.h */
    if ((fd < 0 ? open_folder(walk->archive, folder) : open_tar(walk->archive, fd)) != ARCHIVE_OK) {
        enum sk_code code = fail(walk, fd < 0 ? folder : "the archive", err);
        sk_walk_close(walk);
        return code;
    }
    *out_walk = walk;
    return SK_OK;
}

void sk_walk_close(struct sk_walk *walk)
{
    if (!walk)
        return;
    (void)archive_read_free(walk->archive);
    free(walk);
}

/* The name within the archive: what precedes it in a folder, and "./", left out. */
static const char *bare(const struct sk_walk *walk, const char *name)
{
    if (name && walk->folder) {
        name += strlen(walk->folder);
        name += strspn(name, "/");
    }
    while (name && name[0] == '.' && name[1] == '/')
        name += 1 + strspn(name + 1, "/");
    return name;
}

static void describe(const struct sk_walk *walk, struct archive_entry *entry, struct sk_walk_item *out)
{
    mode_t type = archive_entry_filetype(entry);

    *out = (struct sk_walk_item){.name = bare(walk, archive_entry_pathname(entry)), .kind = SK_WALK_OTHER};
    if (archive_entry_hardlink(entry) && !walk->folder) {
        out->kind = SK_WALK_HARDLINK;
        out->target = archive_entry_hardlink(entry);
    } else if (type == AE_IFLNK) {
        out->kind = SK_WALK_SYMLINK;
        out->target = archive_entry_symlink(entry);
    } else if (type == AE_IFREG) {
        out->kind = SK_WALK_FILE;
        out->size = archive_entry_size(entry);
    }
}

enum sk_code sk_walk_next(struct sk_walk *walk, struct sk_walk_item *out_item, bool *out_more,
                          struct sk_err *err)
{
    struct archive_entry *entry;
    int got = archive_read_next_header(walk->archive, &entry);

    *out_more = got != ARCHIVE_EOF;
    if (got == ARCHIVE_EOF)
        return SK_OK;
    if (got < ARCHIVE_WARN)
        return fail(walk, "the archive", err);
    if (walk->folder && archive_read_disk_can_descend(walk->archive))
        (void)archive_read_disk_descend(walk->archive);
    describe(walk, entry, out_item);
    walk->name = out_item->name;
    walk->size = out_item->size;
    if (out_item->kind == SK_WALK_OTHER)
        return SK_OK;
    if (!sk_unpack_name_is_safe(out_item->name))
        return sk_fail(err, SK_DATA_LOSS, "a name leads out of the archive, or is not text: %.160s",
                       out_item->name ? out_item->name : "(not text)");
    if (out_item->size < 0)
        return sk_fail(err, SK_DATA_LOSS, "%.160s: its size is negative", out_item->name);
    return SK_OK;
}

enum sk_code sk_walk_read(struct sk_walk *walk,
                          enum sk_code (*on_bytes)(void *arg, const uint8_t *data, size_t len,
                                                   struct sk_err *err),
                          void *arg, struct sk_err *err)
{
    const void *data;
    size_t len;
    la_int64_t offset;
    int64_t at = 0;
    int got;

    while ((got = archive_read_data_block(walk->archive, &data, &len, &offset)) == ARCHIVE_OK) {
        if (len && (offset != at || (int64_t)len > walk->size - at))
            return sk_fail(err, SK_DATA_LOSS, "%.160s: it has holes", walk->name);
        at += (int64_t)len;
        enum sk_code code = len ? on_bytes(arg, data, len, err) : SK_OK;
        if (code)
            return code;
    }
    if (got != ARCHIVE_EOF)
        return fail(walk, walk->name, err);
    if (at != walk->size)
        return sk_fail(err, SK_DATA_LOSS, "%.160s: it is not as long as it was said to be", walk->name);
    return SK_OK;
}
