/* image_archive_rig.h: archives of images, made by libarchive in a folder of the test's own, and read by the
 * code under test. */
#ifndef SK_TESTS_IMAGE_ARCHIVE_RIG_H
#define SK_TESTS_IMAGE_ARCHIVE_RIG_H

#include "cli/image_bundle.h"
#include "cli/image_walk.h"

#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define ARCHIVE_MAX ((size_t)64 << 20)

struct rig {
    char root[64], path[96];
    struct archive *tar;
    struct sk_image_archive archive;
    struct sk_bundle bundle;
    struct sk_err err;
};

static inline int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    (void)snprintf(rig->root, sizeof(rig->root), "/tmp/sk-image-XXXXXX");
    *state = rig;
    if (!mkdtemp(rig->root))
        return -1;
    (void)snprintf(rig->path, sizeof(rig->path), "%s/a.tar", rig->root);
    return 0;
}

static inline void let_go(struct rig *rig)
{
    sk_bundle_fini(&rig->bundle);
    sk_image_archive_fini(&rig->archive);
}

static inline int tear_down(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *remove = sk_printf("rm -rf %s", rig->root);

    let_go(rig);
    if (rig->tar)
        (void)archive_write_free(rig->tar);
    free(rig);
    return system(remove);
}

/* --- making archives ----------------------------------------------------------- */

static inline void begin(struct rig *rig, int filter)
{
    rig->tar = archive_write_new();
    assert_int_equal(archive_write_set_format_pax_restricted(rig->tar), ARCHIVE_OK);
    assert_true(archive_write_add_filter(rig->tar, filter) >= ARCHIVE_WARN);
    assert_int_equal(archive_write_open_filename(rig->tar, rig->path), ARCHIVE_OK);
}

static inline void put(struct rig *rig, const char *name, const void *data, size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    assert_int_equal(archive_write_header(rig->tar, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(rig->tar, data, len), (la_ssize_t)len);
    archive_entry_free(entry);
}

static inline void put_text(struct rig *rig, const char *name, const char *text)
{
    put(rig, name, text, strlen(text));
}

static inline void put_link(struct rig *rig, const char *name, const char *target, bool hard)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    if (hard) {
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_hardlink(entry, target);
    } else {
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, target);
    }
    archive_entry_set_perm(entry, 0777);
    assert_int_equal(archive_write_header(rig->tar, entry), ARCHIVE_OK);
    archive_entry_free(entry);
}

static inline void finish(struct rig *rig)
{
    assert_int_equal(archive_write_free(sk_take(rig->tar)), ARCHIVE_OK);
}

static inline enum sk_code read_bundle(struct rig *rig, const char *name)
{
    let_go(rig);
    rig->err = (struct sk_err){0};
    enum sk_code code = sk_image_archive_open(&rig->archive, rig->path, &rig->err);
    return code ? code : sk_bundle_read(&rig->archive, name, &rig->bundle, &rig->err);
}

static inline void must_read(struct rig *rig, const char *name)
{
    if (read_bundle(rig, name))
        fail_msg("%s", rig->err.text);
}

static inline void must_refuse(struct rig *rig, const char *name, const char *why)
{
    assert_int_not_equal(read_bundle(rig, name), SK_OK);
    if (!strstr(rig->err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", rig->err.text, why);
}

static inline void put_docker(struct rig *rig, const char *tags, const char *layers)
{
    SK_AUTO_FREE char *text =
        sk_printf("[{\"Config\":\"c.json\",\"RepoTags\":%s,\"Layers\":%s}]", tags, layers);

    put_text(rig, "c.json", "{\"architecture\":\"amd64\"}");
    put_text(rig, "manifest.json", text);
}

#endif
