/* namespace.h: network namespaces, each kept alive by a mount on a file.
 * Blocking; a thread that is not the loop's: it moves to the new namespace and
 * back. */
#ifndef SK_NFTABLES_NAMESPACE_H
#define SK_NFTABLES_NAMESPACE_H

#include "drivers/nftables/netlink.h"

/* Makes the folder, and of it a mount of its own that is shared with whoever has a copy: a namespace that is
 * let go is then let go in every mount namespace of the machine. */
SK_MUST_CHECK enum sk_code sk_namespace_prepare(const char *folder, struct sk_err *err);
/* Makes a namespace with loopback up, and pins it at `path`. out_inside (may be NULL) is a routing socket in
 * it; out_fd (may be NULL) the namespace. `home` is the calling thread's. On failure nothing stays. */
SK_MUST_CHECK enum sk_code sk_namespace_make(const char *path, int home, struct sk_netlink *out_inside,
                                             int *out_fd, struct sk_err *err);
/* Whether something is pinned there, and not a mere file. */
bool sk_namespace_is_pinned(const char *path);
/* Absent is success. The kernel takes it apart when its last process has gone, and its links with it. */
SK_MUST_CHECK enum sk_code sk_namespace_drop(const char *path, struct sk_err *err);

#endif
