/* folders.h: the folders below <run_dir>/agent, whoever made them: listed and
 * taken away on a thread of the pool. */
#ifndef SK_AGENT_FOLDERS_H
#define SK_AGENT_FOLDERS_H

#include "drivers/litter.h"
#include "loop/done.h"

/* Strings are borrowed for the call. */
void sk_folders_list(struct sk_loop *loop, const char *dir, struct sk_litter_list *out_list,
                     struct sk_done *done);
void sk_folders_remove(struct sk_loop *loop, const char *dir, const char *name, struct sk_done *done);

#endif
