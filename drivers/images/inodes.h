/* inodes.h: how many files a layer may have that may take so many bytes. */
#ifndef SK_IMAGES_INODES_H
#define SK_IMAGES_INODES_H

#include <stdint.h>

/* As many as headers of an archive fit, and never more than several times what
 * the largest images have (some 500 000, of Python and CUDA), while the file systems of nodes have room for
 * few times as many, and to walk through them takes seconds. */
#define SK_BYTES_PER_INODE 512
#define SK_INODES_MAX      ((int64_t)2 * 1000 * 1000)

static inline int64_t sk_inodes_for(int64_t bytes)
{
    int64_t inodes = bytes / SK_BYTES_PER_INODE + 1;
    return inodes < SK_INODES_MAX ? inodes : SK_INODES_MAX;
}

#endif
