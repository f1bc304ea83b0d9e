/* tree.h: a folder of our own with all that is in it. Blocking. */
#ifndef SK_BASE_TREE_H
#define SK_BASE_TREE_H

#include "base/err.h"

/* Removes `path` and what is below it; absent is success. What is mounted on it or below is let go of first.
 * Follows no link (one in its place is removed itself). Errors: by errno. */
SK_MUST_CHECK enum sk_code sk_tree_remove(const char *path, struct sk_err *err);

/* The same for a folder with plain files right in it: a folder among them stays, which is an error. Whatever
 * is mounted there stays as well. */
SK_MUST_CHECK enum sk_code sk_tree_remove_flat(const char *path, struct sk_err *err);

/* Calls fn for the name of every folder in the folder `path`, but for those whose names begin with a dot;
 * absent is empty. */
void sk_tree_each_folder(const char *path, void (*fn)(void *arg, const char *name), void *arg);

#endif
