/* others.h: names on a machine that are not this daemon's to take. It sets the mode of its folders, replaces
 * the table of its name and removes the links that begin so; a purge of the package takes all of it away.
 * Pure. */
#ifndef SK_CONFIG_OTHERS_H
#define SK_CONFIG_OTHERS_H

#include <stdbool.h>

/* An absolute path that is a folder of the system's (file-hierarchy(7)), lies where only it keeps things, or
 * is written in a way that hides where it leads ("..", "//"). */
bool sk_folder_is_others(const char *path);
/* Of containerd: those of Kubernetes, Docker, BuildKit, and the one that tools take when none is named. */
bool sk_namespace_is_others(const char *name);
/* Of links and tables of the packet filter, as they are usually called. */
bool sk_link_is_others(const char *name);

#endif
