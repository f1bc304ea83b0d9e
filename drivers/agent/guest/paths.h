/* paths.h: from a path that somebody gave to what it names.
 *
 * All with the rights the caller has at the time (rights.h). Links are
 * followed as for any process, but those of proc that lead to a descriptor or
 * a root of another process: ELOOP. Functions return 0 or an errno. */
#ifndef SK_GUEST_PATHS_H
#define SK_GUEST_PATHS_H

#include "drivers/agent/wire.h"

#include <limits.h>

/* A name in a directory that is held, so that renaming what lies above it changes nothing. */
struct sk_place {
    int dir_fd; /* O_PATH; owned by whoever resolved it */
    char name[NAME_MAX + 1];
};

/* A relative path starts at text->working_dir, "" = /. */
int sk_path_open(const struct sk_open_text *text, int *out_path_fd);
/* Where a file of this path is or is to be made: never a link, unless one
 * was put there since. Missing directories are made. EISDIR when the path can
 * only be a directory. */
int sk_path_place(const struct sk_open_text *text, struct sk_place *out_place);
/* A directory that is missing, and those above it; there is fine. */
int sk_path_make(const char *path);
/* openat2(2) that follows no link of proc to a descriptor or root. */
int sk_path_openat(int dir_fd, const char *path, int flags);

#endif
