/* file.h: a small file, whole. Blocking; for start-up. */
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

#endif
