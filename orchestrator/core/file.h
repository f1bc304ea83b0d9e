/* file.h: one file of a running sandbox, read or written whole.
 *
 * Both wait, like an exec, for a sandbox that is being created. Paths are
 * resolved inside the sandbox, relative ones from its working directory, with
 * the rights of its user. Bytes move on threads of the pool, charged to the
 * daemon and not to the sandbox.
 *
 * done fires once; cancelling it is a request, and leaves the sandbox as it
 * was. Errors: SK_FAILED_PRECONDITION + SANDBOX_NOT_RUNNING, SK_UNAVAILABLE,
 * or one with a reason that begins with FILE_. Threads: loop only. */
#ifndef SK_CORE_FILE_H
#define SK_CORE_FILE_H

#include "core/sandbox.h"

#define SK_FILE_MAX ((size_t)32 << 20) /* bytes of one file; beyond it clients stream */

struct sk_file_read {
    const char *path; /* not empty; borrowed until done fires */
    size_t most;      /* a file with more bytes is SK_RESOURCE_EXHAUSTED + FILE_TOO_LARGE */
    /* Called when the file is open: done fires when there is room for its bytes. NULL = always. */
    void (*await_room)(struct sk_file_read *read, struct sk_done *done);
    /* Out. */
    uint8_t *data; /* on success: heap, the caller's; may be NULL when there is nothing in it */
    size_t len;
    uint64_t size; /* with FILE_TOO_LARGE: what it has */
};
/* What was there between the opening and the end of the file, in one piece. */
void sk_file_read(struct sk_sandbox *sandbox, struct sk_file_read *read, struct sk_done *done);

struct sk_file_write {
    const char *path; /* not empty; all borrowed until done fires */
    const uint8_t *data;
    size_t len;
};
/* Makes or replaces the file, missing directories included; at once, wherever the guest can. */
void sk_file_write(struct sk_sandbox *sandbox, const struct sk_file_write *write, struct sk_done *done);

#endif
