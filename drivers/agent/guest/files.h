/* files.h: files of the sandbox, opened for the daemon with a user's rights. */
#ifndef SK_GUEST_FILES_H
#define SK_GUEST_FILES_H

#include "drivers/agent/wire.h"

struct sk_write; /* one OPEN for writing that has not ended */

struct sk_files {
    int proc_fd;             /* the guest's descriptors as the kernel shows them; -1 = no proc */
    struct sk_write *writes; /* owned */
    size_t write_count;
};

void sk_files_init(struct sk_files *files);
bool sk_files_has(const struct sk_files *files, uint64_t key);
/* Does what an OPEN asks for; *out_fd is the caller's. 0 or an errno. A key
 * for writing must not be in use. */
int sk_files_open(struct sk_files *files, uint64_t key, enum sk_open_kind kind,
                  const struct sk_open_text *text, int *out_fd);
/* Ends it. 0 or an errno: EBADF when the key is unknown. */
int sk_files_commit(struct sk_files *files, uint64_t key);
/* Unknown keys are ignored. */
void sk_files_abandon(struct sk_files *files, uint64_t key);
void sk_files_abandon_all(struct sk_files *files);

#endif
