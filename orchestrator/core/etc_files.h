/* etc_files.h: what a sandbox reads of its own network: /etc/resolv.conf and
 * /etc/hosts. Pure. */
#ifndef SK_CORE_ETC_FILES_H
#define SK_CORE_ETC_FILES_H

#include "base/arena.h"
#include "drivers/network.h"
#include "store/records.h"

#define SK_ETC_FILES 2

/* Those of them that the spec's own files leave to us, in the arena; how many. */
size_t sk_etc_files_make(struct sk_arena *arena, const struct sk_spec *spec, const char *id,
                         const struct sk_network_place *place, struct sk_mounted_file out[SK_ETC_FILES]);

#endif
