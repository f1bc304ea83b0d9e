/* cgroup_use.h: what the processes of a cgroup use, by the files of either version (kernel:
 * Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/cpuacct.rst, cgroup-v1/memory.rst). Blocking: on a
 * thread of the pool. */
#ifndef SK_CONTAINERD_CGROUP_USE_H
#define SK_CONTAINERD_CGROUP_USE_H

#include "drivers/runtime.h"

/* root: where the hierarchies are mounted, "/sys/fs/cgroup" but in tests. Fills in `use` for the group
 * parent/use->id, or leaves it as it is. */
void sk_cgroup_measure(const char *root, const char *parent, struct sk_runtime_use *use);

#endif
