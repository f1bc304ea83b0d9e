/* image_archive.h: an archive (tar, plain or compressed) or a folder that
 * images are read from.
 *
 * Made by strangers: it is only read, nothing of it is written under a name of
 * its own. What is found is a list of files and links; names that lead out of
 * the archive, names that come twice, files with holes and files that are not
 * as long as they were said to be end the whole. */
#ifndef SK_CLI_IMAGE_ARCHIVE_H
#define SK_CLI_IMAGE_ARCHIVE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_ARCHIVE_ENTRIES_MAX 16384
#define SK_ARCHIVE_LINKS_MAX   8 /* from one to the next */

struct sk_archive_entry {
    const char *name; /* without a leading "./" */
    bool is_link;
    const char *target; /* of a link: a name in the archive; NULL = leads out of it */
    int64_t size;
    const uint8_t *kept; /* all of its content, if it is small and looks like JSON; else NULL */
};

struct sk_image_archive {
    bool is_open;
    int fd;             /* -1: a folder */
    const char *folder; /* borrowed */
    struct sk_arena arena;
    struct sk_archive_entry *entries; /* in the order of the archive */
    size_t count, cap;
    struct sk_archive_entry **by_name;
    size_t kept_bytes;
};

/* path: a file, a folder, or "-" for standard input, which is copied to an unlinked file. Lists what is
 * there. Errors: by errno; SK_DATA_LOSS. fini is owed in any case. */
SK_MUST_CHECK enum sk_code sk_image_archive_open(struct sk_image_archive *archive, const char *path,
                                                 struct sk_err *err);
/* Safe on a zeroed struct. */
void sk_image_archive_fini(struct sk_image_archive *archive);

/* The file of that name, or the one that links of that name lead to; NULL = there is none. */
const struct sk_archive_entry *sk_image_archive_find(const struct sk_image_archive *archive,
                                                     const char *name);
/* All of a file of at most SK_OCI_BLOB_MAX bytes; lives as long as the archive. Errors:
 * SK_FAILED_PRECONDITION (larger), SK_DATA_LOSS. */
SK_MUST_CHECK enum sk_code sk_image_archive_load(struct sk_image_archive *archive,
                                                 const struct sk_archive_entry *entry,
                                                 const uint8_t **out_data, struct sk_err *err);

struct sk_archive_visitor {
    /* Whether this file is to be read now. */
    enum sk_code (*on_file)(void *arg, const struct sk_archive_entry *entry, bool *out_wanted,
                            struct sk_err *err);
    enum sk_code (*on_bytes)(void *arg, const uint8_t *data, size_t len, struct sk_err *err);
    enum sk_code (*on_end)(void *arg, struct sk_err *err); /* of a file that was read; may be NULL */
    void *arg;
};

/* Every file once, in the order of the archive. An error of the visitor ends it and is passed on. */
SK_MUST_CHECK enum sk_code sk_image_archive_visit(struct sk_image_archive *archive,
                                                  const struct sk_archive_visitor *visitor,
                                                  struct sk_err *err);

#endif
