/* copy.h: the bytes of a file in memory that nobody can change any more. */
#ifndef SK_GUEST_COPY_H
#define SK_GUEST_COPY_H

#include <stddef.h>

#define SK_COPY_MAX ((size_t)4 * 1024 * 1024)

/* A sealed memfd with all that `fd` gives. `fd` must be non-blocking: what
 * would have to be waited for is refused. 0 or an errno: EFBIG when there is
 * more than SK_COPY_MAX, EINVAL when the file has no end by itself. */
int sk_copy_sealed(int fd, int *out_fd);

#endif
