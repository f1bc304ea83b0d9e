/* Archives of images: the first byte says what the rest is: an archive as it is, or the index.json or
 * manifest.json of one. Whatever is taken names images, and each blob has a digest and lies somewhere. */
#include "cli/image_bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define LAYER "blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct archive *tar, const char *name, const void *data, size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    if (archive_write_header(tar, entry) != ARCHIVE_OK || archive_write_data(tar, data, len) < 0)
        __builtin_trap();
    archive_entry_free(entry);
}

static void write_around(int fd, const char *name, const uint8_t *data, size_t size)
{
    struct archive *tar = archive_write_new();

    if (archive_write_set_format_ustar(tar) != ARCHIVE_OK || archive_write_open_fd(tar, fd) != ARCHIVE_OK)
        __builtin_trap();
    put(tar, name, data, size);
    put(tar, "oci-layout", "{}", 2);
    put(tar, LAYER, "", 0);
    put(tar, "c.json", "{}", 2);
    put(tar, "l.tar", "\x1f\x8b", 2);
    (void)archive_write_free(tar);
}

static void check(const struct sk_bundle *bundle)
{
    if (!bundle->count)
        __builtin_trap();
    for (size_t i = 0; i < bundle->count; i++) {
        const struct sk_bundle_image *image = &bundle->images[i];
        bool has_target = false;
        if (sk_reference_normalise(image->name, (char[SK_REFERENCE_MAX]){0}, NULL))
            __builtin_trap();
        for (size_t n = 0; n < image->count; n++) {
            const struct sk_bundle_blob *blob = &image->blobs[n];
            has_target |= strcmp(blob->what.digest, image->target.digest) == 0;
            if (!sk_digest_is_valid(blob->what.digest) || !blob->entry == !blob->data)
                __builtin_trap();
        }
        if (!has_target)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct sk_image_archive archive = {0};
    struct sk_bundle bundle = {0};
    struct sk_err err = {0};
    char path[32];

    if (!size || fd < 0)
        return 0;
    if (data[0] % 3)
        write_around(fd, data[0] % 3 == 1 ? "index.json" : "manifest.json", data + 1, size - 1);
    else if (write(fd, data + 1, size - 1) < 0)
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (!sk_image_archive_open(&archive, path, &err) &&
        !sk_bundle_read(&archive, data[0] & 0x80 ? "a" : NULL, &bundle, &err))
        check(&bundle);
    sk_bundle_fini(&bundle);
    sk_image_archive_fini(&archive);
    return 0;
}
