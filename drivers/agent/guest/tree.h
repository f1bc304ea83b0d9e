/* tree.h: signals to a process and all that came from it. */
#ifndef SK_GUEST_TREE_H
#define SK_GUEST_TREE_H

#include <sys/types.h>

/* Signals the process group and session of `leader` (a session leader, not
 * reaped yet) and every descendant that /proc shows. For SIGKILL the tree is
 * first stopped, so that it cannot grow while it is being killed. A descendant
 * that made a session of its own and whose parents have all ended cannot be
 * told from others and is missed. */
void sk_tree_signal(pid_t leader, int signo);
/* The same for what a leader that has been reaped left behind in its session. */
void sk_tree_signal_left(pid_t leader, int signo);

#endif
