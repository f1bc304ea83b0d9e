/* lines.h: lines of a file that nobody vouches for, in bounded memory. */
#ifndef SK_GUEST_LINES_H
#define SK_GUEST_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define SK_LINES_FILE_MAX ((size_t)4 * 1024 * 1024) /* what lies beyond is not read */

struct sk_lines {
    int fd;
    size_t at, len; /* unread part of the chunk */
    size_t total;   /* bytes read */
    char chunk[4096];
    char line[4096]; /* a longer line is skipped */
};

/* Opens a regular file; anything else reads as empty. */
void sk_lines_open(struct sk_lines *lines, const char *path);
/* The next line that fits and holds no NUL, without its newline; borrowed
 * and writable until the next call. NULL at the end. */
char *sk_lines_next(struct sk_lines *lines);
void sk_lines_close(struct sk_lines *lines);

#endif
