/* filesystem.h: which file systems hold ordinary files, whose reading and
 * writing ends by itself.
 *
 * A list of what is known, not of what is not: files of proc and its like are
 * made up as they are read, and FUSE or network file systems may let a reader
 * wait for ever. Shared by both ends: the guest hands such files over as
 * copies, the daemon takes no others. */
#ifndef SK_AGENT_FILESYSTEM_H
#define SK_AGENT_FILESYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

static inline bool sk_filesystem_is_ordinary(const struct statfs *fs)
{
    static const uint32_t known[] = {
        0xef53,     /* ext2, ext3, ext4 */
        0x794c7630, /* overlayfs */
        0x01021994, /* tmpfs */
        0x58465342, /* xfs */
        0x9123683e, /* btrfs */
        0x2fc12fc1, /* zfs */
        0xf2f52010, /* f2fs */
        0xca451a4e, /* bcachefs */
        0xe0f5e1e2, /* erofs */
        0x73717368, /* squashfs */
        0x858458f6, /* ramfs */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((uint32_t)fs->f_type == known[i])
            return true;
    return false;
}

#endif
