#include "cli/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* No ARCHIVE_EXTRACT_UNLINK: with it libarchive replaces symbolic links on the way instead of refusing. */
#define FLAGS                                                                                                \
    (ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |              \
     ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

struct unpack {
    const struct sk_unpack_source *source;
    struct archive *tar, *disk;
};

bool sk_unpack_name_is_safe(const char *name)
{
    if (!name || !*name || *name == '/')
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return false;
    }
    return true;
}

static la_ssize_t on_read(struct archive *tar, void *arg, const void **out_data)
{
    struct unpack *unpack = arg;
    const uint8_t *data = NULL;
    size_t len = 0;

    (void)tar;
    if (!unpack->source->read(unpack->source->arg, &data, &len))
        return 0;
    *out_data = data;
    return (la_ssize_t)len;
}

static enum sk_code fail(struct archive *archive, const char *name, struct sk_err *err)
{
    const char *text = archive_error_string(archive);
    return sk_fail(err, SK_DATA_LOSS, "%s: %s", name, text ? text : "cannot be unpacked");
}

static enum sk_code take_content(struct unpack *unpack, const char *name, struct sk_err *err)
{
    const void *data;
    size_t len;
    la_int64_t offset;
    int got;

    while ((got = archive_read_data_block(unpack->tar, &data, &len, &offset)) == ARCHIVE_OK) {
        if (archive_write_data_block(unpack->disk, data, len, offset) < ARCHIVE_WARN)
            return fail(unpack->disk, name, err);
    }
    return got == ARCHIVE_EOF ? SK_OK : fail(unpack->tar, name, err);
}

static enum sk_code take(struct unpack *unpack, struct archive_entry *entry, const char *name,
                         struct sk_err *err)
{
    bool whole_file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);

    archive_entry_set_perm(entry, archive_entry_perm(entry) & 0777);
    if (!whole_file)
        archive_entry_set_size(entry, 0); /* a link's content would be written through it */
    if (archive_write_header(unpack->disk, entry) < ARCHIVE_WARN)
        return fail(unpack->disk, name, err);
    enum sk_code code = whole_file ? take_content(unpack, name, err) : SK_OK;
    if (!code && archive_write_finish_entry(unpack->disk) < ARCHIVE_WARN)
        code = fail(unpack->disk, name, err);
    if (code && whole_file) { /* close first: it would be given its full length */
        (void)archive_write_free(sk_take(unpack->disk));
        (void)unlink(name);
    }
    return code;
}

static bool is_root(const char *name)
{
    return strspn(name, "./") == strlen(name);
}

static enum sk_code take_entry(struct unpack *unpack, struct archive_entry *entry, struct sk_err *err)
{
    const char *name = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    mode_t type = archive_entry_filetype(entry);

    if (!sk_unpack_name_is_safe(name) || (link && !sk_unpack_name_is_safe(link)))
        return sk_fail(err, SK_DATA_LOSS, "the sandbox sent a name that leads out of the folder: %s%s%s",
                       name ? name : "(not text)", link ? " -> " : "", link ? link : "");
    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK && !link) {
        unpack->source->skipped(unpack->source->arg, name, "no file, folder or symbolic link");
        return SK_OK;
    }
    if (is_root(name))
        return type == AE_IFDIR ? SK_OK : sk_fail(err, SK_DATA_LOSS, "%s: cannot replace the folder", name);
    SK_AUTO_FREE char *copy = sk_strdup(name); /* the entry's own may be rewritten */
    return take(unpack, entry, copy, err);
}

static enum sk_code take_all(struct unpack *unpack, struct sk_err *err)
{
    struct archive_entry *entry;
    enum sk_code code = SK_OK;
    int got = ARCHIVE_OK;

    while (!code && (got = archive_read_next_header(unpack->tar, &entry)) >= ARCHIVE_WARN &&
           got != ARCHIVE_EOF)
        code = take_entry(unpack, entry, err);
    if (!code && got != ARCHIVE_EOF)
        code = fail(unpack->tar, "the archive", err);
    if (!code && archive_write_close(unpack->disk) < ARCHIVE_WARN)
        code = fail(unpack->disk, "the folder", err);
    return code;
}

static bool open_both(struct unpack *unpack)
{
    return archive_write_disk_set_options(unpack->disk, FLAGS) == ARCHIVE_OK &&
           archive_read_support_format_tar(unpack->tar) == ARCHIVE_OK &&
           archive_read_open(unpack->tar, unpack, NULL, on_read, NULL) == ARCHIVE_OK;
}

static enum sk_code unpack_here(const struct sk_unpack_source *source, struct sk_err *err)
{
    struct unpack unpack = {source, archive_read_new(), archive_write_disk_new()};
    enum sk_code code = open_both(&unpack) ? take_all(&unpack, err) : fail(unpack.tar, "the archive", err);

    if (unpack.disk)
        (void)archive_write_free(unpack.disk);
    (void)archive_read_free(unpack.tar);
    return code;
}

enum sk_code sk_unpack(const char *folder, const struct sk_unpack_source *source, struct sk_err *err)
{
    SK_AUTO_FD int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    /* libarchive knows no folder but this one, and trusts what leads to it. */
    if (chdir(folder) != 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "%s", folder);
    enum sk_code code = unpack_here(source, err);
    if (before >= 0 && fchdir(before) != 0 && !code)
        code = sk_fail_sys(err, SK_INTERNAL, errno, "go back to the working directory");
    return code;
}
