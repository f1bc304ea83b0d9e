/* seccomp.h: the system calls a sandbox may make, as the "linux.seccomp" part
 * of an OCI runtime spec. Pure.
 *
 * What is not listed fails with EPERM. The list is about Docker's default
 * for a container without special capabilities, except that io_uring,
 * AF_VSOCK and AF_ALG sockets are refused as well: interfaces to much kernel
 * code that hardly any program in a sandbox needs. clone3 fails with ENOSYS,
 * since its flags lie in memory where a filter cannot look; C libraries then
 * use clone, whose namespace flags are refused. */
#ifndef SK_CONTAINERD_SECCOMP_H
#define SK_CONTAINERD_SECCOMP_H

#include "drivers/containerd/json_out.h"

/* machine: as uname(2) says, "x86_64" or "aarch64". Others get the list
 * without calls of their own and only their native ABI. */
void sk_seccomp_write(struct sk_json_out *out, const char *key, const char *machine);

#endif
