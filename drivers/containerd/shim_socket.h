/* shim_socket.h: where a shim listens. All containerds of a machine share one
 * folder, in which a socket's name is the SHA-256 of containerd's own socket,
 * the namespace and the shim's name (runtime/v2/shim/util_unix.go): so one
 * that can be computed from ours is ours. A shim that is killed leaves it.
 *
 * Blocking: on a thread of the pool. */
#ifndef SK_CONTAINERD_SHIM_SOCKET_H
#define SK_CONTAINERD_SHIM_SOCKET_H

#include "base/err.h"

#include <stdbool.h>

/* Heap, the caller's. */
char *sk_shim_socket_path(const char *socket, const char *namespace, const char *name);

enum sk_shim_socket {
    SK_SHIM_SOCKET_ABSENT,
    SK_SHIM_SOCKET_SERVED,
    SK_SHIM_SOCKET_STALE, /* nobody listens */
};
enum sk_shim_socket sk_shim_socket_look(const char *path);

#endif
