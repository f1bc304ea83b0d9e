/* file.h: a small file, whole. Blocking; for start-up and for pool threads. */
#ifndef SK_BASE_FILE_H
#define SK_BASE_FILE_H

#include "base/err.h"

#include <sys/types.h>

/* The bytes of a regular file with a NUL after them; heap, the caller's.
 * Errors: by errno; SK_FAILED_PRECONDITION (not a file), SK_OUT_OF_RANGE
 * (larger than `max` bytes). */
SK_MUST_CHECK enum sk_code sk_file_load(const char *path, size_t max, char **out_text, size_t *out_len,
                                        mode_t *out_mode, struct sk_err *err);
/* The same of a file that holds secrets: it must be root's or this process's own, and nobody else may read or
 * write it. Errors, beside those: SK_PERMISSION_DENIED. */
SK_MUST_CHECK enum sk_code sk_file_load_private(const char *path, size_t max, char **out_text,
                                                size_t *out_len, struct sk_err *err);

/* Puts a file with this content and mode at `path`, in place of what is there: whole and on the disk, or not
 * at all. What it was called meanwhile is `path`.new. Errors: by errno. */
SK_MUST_CHECK enum sk_code sk_file_replace(const char *path, const void *data, size_t len, mode_t mode,
                                           struct sk_err *err);
/* The same for a name in an open folder. */
SK_MUST_CHECK enum sk_code sk_file_replace_at(int folder, const char *name, const void *data, size_t len,
                                              mode_t mode, struct sk_err *err);

#endif
