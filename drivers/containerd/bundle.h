/* bundle.h: the folder in which containerd keeps a task ("bundle" in its words), when nobody owns it any
 * more.
 *
 * A containerd that is killed between making that folder and its shim's first answer leaves it. The next one
 * asks the shim's program to clean up, which fails for want of a file that was to come later
 * (runtime/v2/runc/manager/manager_linux.go, Stop), and keeps the folder: no task of that id can be made any
 * more. containerd has no call that takes it away. */
#ifndef SK_CONTAINERD_BUNDLE_H
#define SK_CONTAINERD_BUNDLE_H

#include "base/err.h"

/* The folder of the task `id`, if `refusal` (what containerd said to Tasks/Create) is that it exists already:
 * a heap string, the caller's; else NULL. Pure. */
char *sk_bundle_in_the_way(const char *refusal, const char *namespace, const char *id);

/* Takes it away as containerd itself does (runtime/v2/bundle.go, atomicDelete): hidden by one rename first,
 * so that no containerd ever loads half of it. Absent is success. Errors: SK_FAILED_PRECONDITION (a shim has
 * begun a task in it: containerd can clean that up, and may be about it); else by errno. Blocking. */
SK_MUST_CHECK enum sk_code sk_bundle_remove_unused(const char *path, struct sk_err *err);

#endif
