#include "cli/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 65536

struct pack {
    const struct sk_pack_sink *sink;
    struct archive *tree, *tar;
    size_t prefix; /* of every name: the folder's own path */
    bool cut;      /* the sink takes no more */
};

static la_ssize_t on_write(struct archive *tar, void *arg, const void *data, size_t len)
{
    struct pack *pack = arg;

    (void)tar;
    pack->cut |= !pack->sink->write(pack->sink->arg, data, len);
    return pack->cut ? -1 : (la_ssize_t)len;
}

static void skip(const struct pack *pack, struct archive_entry *entry, const char *why)
{
    pack->sink->skipped(pack->sink->arg, archive_entry_pathname(entry), why);
}

/* Whoever writes the archive again owns what is in it. */
static void set_owner(struct archive_entry *entry)
{
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    archive_entry_set_uname(entry, NULL);
    archive_entry_set_gname(entry, NULL);
}

static enum sk_code fail(struct pack *pack, struct sk_err *err)
{
    if (pack->cut)
        return sk_fail(err, SK_UNAVAILABLE, "the archive is not taken any more");
    return sk_fail(err, SK_INTERNAL, "%s", archive_error_string(pack->tar));
}

/* The header has said how much there is, and libarchive keeps to that: what comes in addition is left, what
 * is missing is zeros. */
static enum sk_code put_content(struct pack *pack, struct archive_entry *entry, int fd, struct sk_err *err)
{
    int64_t left = archive_entry_size(entry);
    char chunk[CHUNK];
    ssize_t n = 1;

    while (left > 0 && n != 0) {
        n = read(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);
        if (n < 0 && errno != EINTR)
            return sk_fail_sys(err, SK_INTERNAL, errno, "read %s", archive_entry_pathname(entry));
        if (n > 0 && archive_write_data(pack->tar, chunk, (size_t)n) < 0)
            return fail(pack, err);
        left -= n > 0 ? n : 0;
    }
    if (left > 0)
        skip(pack, entry, "its end, which was cut off meanwhile");
    return SK_OK;
}

static enum sk_code put(struct pack *pack, struct archive_entry *entry, int fd, const char *name,
                        struct sk_err *err)
{
    set_owner(entry);
    archive_entry_copy_pathname(entry, name);
    if (archive_write_header(pack->tar, entry) < ARCHIVE_WARN)
        return fail(pack, err);
    enum sk_code code = fd >= 0 ? put_content(pack, entry, fd, err) : SK_OK;
    if (!code && archive_write_finish_entry(pack->tar) < ARCHIVE_WARN)
        code = fail(pack, err);
    return code;
}

static enum sk_code put_entry(struct pack *pack, struct archive_entry *entry, struct sk_err *err)
{
    const char *path = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);
    SK_AUTO_FD int fd = -1;

    if (!path) {
        skip(pack, entry, "its name cannot be told");
        return SK_OK;
    }
    if (strlen(path) <= pack->prefix)
        return SK_OK; /* the folder itself */
    SK_AUTO_FREE char *name = sk_strdup(path + pack->prefix);
    if (type == AE_IFREG) {
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
            skip(pack, entry, strerror(errno));
            return SK_OK;
        }
    } else if (type != AE_IFDIR && type != AE_IFLNK) {
        skip(pack, entry, "no file, folder or symbolic link");
        return SK_OK;
    }
    return put(pack, entry, fd, name, err);
}

static enum sk_code put_all(struct pack *pack, struct sk_err *err)
{
    struct archive_entry *entry;
    enum sk_code code = SK_OK;
    int got;

    while (!code && (got = archive_read_next_header(pack->tree, &entry)) != ARCHIVE_EOF) {
        if (got == ARCHIVE_FATAL)
            return sk_fail(err, SK_INTERNAL, "%s", archive_error_string(pack->tree));
        if (got == ARCHIVE_FAILED) {
            skip(pack, entry, archive_error_string(pack->tree));
            continue;
        }
        code = put_entry(pack, entry, err);
        (void)archive_read_disk_descend(pack->tree);
    }
    return code;
}

static bool open_both(struct pack *pack, const char *folder)
{
    return archive_read_disk_set_symlink_physical(pack->tree) == ARCHIVE_OK &&
           archive_read_disk_set_behavior(pack->tree, ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
                                                          ARCHIVE_READDISK_NO_FFLAGS) == ARCHIVE_OK &&
           archive_read_disk_open(pack->tree, folder) == ARCHIVE_OK &&
           /* what busybox reads too, long names included */
           archive_write_set_format_gnutar(pack->tar) == ARCHIVE_OK &&
           archive_write_set_bytes_per_block(pack->tar, CHUNK) == ARCHIVE_OK &&
           archive_write_set_bytes_in_last_block(pack->tar, 1) == ARCHIVE_OK &&
           archive_write_open(pack->tar, pack, NULL, on_write, NULL) == ARCHIVE_OK;
}

enum sk_code sk_pack(const char *folder, const struct sk_pack_sink *sink, struct sk_err *err)
{
    SK_AUTO_FREE char *real = realpath(folder, NULL);
    struct pack pack = {.sink = sink};

    if (!real)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "%s", folder);
    pack.prefix = strcmp(real, "/") == 0 ? 1 : strlen(real) + 1;
    pack.tree = archive_read_disk_new();
    pack.tar = archive_write_new();
    enum sk_code code = open_both(&pack, real)
                            ? put_all(&pack, err)
                            : sk_fail(err, SK_INTERNAL, "%s: cannot be read as a folder", folder);
    if (code)
        (void)archive_write_fail(pack.tar); /* no end mark: it is not whole */
    else if (archive_write_close(pack.tar) != ARCHIVE_OK)
        code = fail(&pack, err);
    (void)archive_read_free(pack.tree);
    (void)archive_write_free(pack.tar);
    return code;
}
