/* unpack.h: a tar archive from a sandbox, which is hostile, into a local folder.
 *
 * Nothing is written outside the folder: names that are absolute, climb by
 * "..", or lead through a symbolic link end the whole; devices and pipes are left out.
 * Of the modes the lowest nine bits are kept, less the umask; owners are not. */
#ifndef SK_CLI_UNPACK_H
#define SK_CLI_UNPACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_unpack_source {
    /* The next piece, valid until the next call; false: there is no more. */
    bool (*read)(void *arg, const uint8_t **out_data, size_t *out_len);
    /* Left out, and why; the rest goes on. */
    void (*skipped)(void *arg, const char *name, const char *why);
    void *arg;
};

/* The program's working directory is the folder meanwhile. A file that was
 * not received whole is removed. */
SK_MUST_CHECK enum sk_code sk_unpack(const char *folder, const struct sk_unpack_source *source,
                                     struct sk_err *err);

/* Whether an entry may have that name: below the folder, said in the plainest way. Pure. */
bool sk_unpack_name_is_safe(const char *name);

#endif
