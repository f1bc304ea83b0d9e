/* files.h (fake): the files of a fake sandbox: memory files by path.
 *
 * There is no tree: a directory is what something lies below, and the usual
 * ones of a root. Some paths behave by themselves:
 *   /root/…    root's alone: SK_PERMISSION_DENIED for every other user
 *   /full/…    can be written, but there is no room to commit
 *   /broken/…  an input/output error */
#ifndef SK_FAKE_FILES_H
#define SK_FAKE_FILES_H

#include "base/list.h"
#include "drivers/agent.h"

struct sk_fake_files {
    struct sk_list files;
    struct sk_list writes;
};

void sk_fake_files_init(struct sk_fake_files *files);
void sk_fake_files_fini(struct sk_fake_files *files);

/* As in struct sk_agent_ops, at once. */
SK_MUST_CHECK enum sk_code sk_fake_files_read(struct sk_fake_files *files, const struct sk_file_ask *ask,
                                              int *out_fd, struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_fake_files_write(struct sk_fake_files *files, uint64_t key,
                                               const struct sk_file_ask *ask, int *out_fd,
                                               struct sk_err *err);
SK_MUST_CHECK enum sk_code sk_fake_files_commit(struct sk_fake_files *files, uint64_t key,
                                                struct sk_err *err);
void sk_fake_files_abandon(struct sk_fake_files *files, uint64_t key);
/* All that is being written, as when the daemon goes. */
void sk_fake_files_abandon_all(struct sk_fake_files *files);
size_t sk_fake_files_written(const struct sk_fake_files *files);

#endif
