/* host_files.h: files of a sandbox that lie on the host, below its guest's
 * directory: <dir>/files/0, 1, and so on. The sandbox sees them read-only; no
 * name in there was chosen by it, and no link is followed. */
#ifndef SK_AGENT_HOST_FILES_H
#define SK_AGENT_HOST_FILES_H

#include "drivers/agent.h"

/* As in struct sk_agent_ops. */
void sk_host_files_put(struct sk_guest *guest, const struct sk_guest_file *files, size_t count,
                       struct sk_done *done);
/* All of them, and their directory; not there is fine. The run directory is a memory file system, so this
 * waits for no disk. */
void sk_host_files_remove(const char *dir);

#endif
