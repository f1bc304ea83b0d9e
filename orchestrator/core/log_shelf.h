/* log_shelf.h: where all journals lie: one folder each, named by its sandbox's
 * id, below the node's log_dir. A journal goes with the record it belongs to;
 * what a crash left in between is found by core/sweeper. */
#ifndef SK_CORE_LOG_SHELF_H
#define SK_CORE_LOG_SHELF_H

#include "drivers/litter.h"
#include "loop/done.h"

struct sk_node;

/* Heap, the caller's. */
char *sk_log_shelf_path(const struct sk_node *node, const char *id);
/* Removes a journal that nobody has open; absent is success. `id` is borrowed for the call. */
void sk_log_shelf_remove(struct sk_node *node, const char *id, struct sk_done *done);
/* The same, in the background; a failure is logged, and made up for by core/sweeper. */
void sk_log_shelf_drop(struct sk_node *node, const char *id);
/* Every journal on the disk, for core/sweeper. */
void sk_log_shelf_list(struct sk_node *node, struct sk_litter_list *out_list, struct sk_done *done);

#endif
