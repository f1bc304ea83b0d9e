/* disk.h: how much room a file system has, as the contracts of images tell it. */
#ifndef SK_DRIVERS_DISK_H
#define SK_DRIVERS_DISK_H

#include <stdint.h>

struct sk_disk_room {
    int64_t total_bytes;
    int64_t free_bytes; /* without what is kept for root */
};

#endif
