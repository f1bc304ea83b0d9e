/* replace.h: new contents for a file, written apart and put in its place at once.
 *
 * Apart is a file beside the old one, which takes its place by being renamed:
 * whoever opens the path sees all of the old or all of the new. Where that
 * cannot be (a directory the user may not write to, a mount point), apart is
 * memory, or that same file, and it is copied over the old one: still nothing
 * changes before the commit, and lack of space is found out before anything is
 * overwritten, but a reader at that moment sees a mixture.
 *
 * A file that is replaced keeps its owner and mode, not its other links. */
#ifndef SK_GUEST_REPLACE_H
#define SK_GUEST_REPLACE_H

#include "drivers/agent/guest/paths.h"
#include "drivers/agent/guest/user.h"

struct sk_replace {
    struct sk_place place;
    char temp[32]; /* name beside the place; "" = in memory */
    int file_fd;   /* what is written; owned */
    struct sk_user user;
};

/* 0 or an errno; then nothing is left but directories that were made. */
int sk_replace_open(struct sk_replace *replace, const struct sk_open_text *text, const struct sk_user *user);
/* Ends it, either way. 0 or an errno; then the old file is as it was, unless
 * the disk failed while it was being overwritten. */
int sk_replace_commit(struct sk_replace *replace);
/* Ends it without a trace. */
void sk_replace_drop(struct sk_replace *replace);

#endif
