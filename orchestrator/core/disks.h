/* disks.h: how much room there is on the disks that state (where output is
 * kept) and images lie on, for who reads the metrics.
 *
 * A disk may hang, so it is the pool that looks: begun when somebody reads,
 * at most every ten seconds; so a reading tells what the one before found. A
 * disk that hangs holds one thread and keeps its last numbers; 0 of 0 = was
 * never seen. Threads: loop only. */
#ifndef SK_CORE_DISKS_H
#define SK_CORE_DISKS_H

#include "drivers/disk.h"
#include "loop/work.h"
#include "metrics/metrics.h"

struct sk_node;

enum sk_disk_of { SK_DISK_STATE, SK_DISK_IMAGES, SK_DISKS };

struct sk_disk_look {
    struct sk_node *node;
    const char *folder;  /* of the state's: the disks' */
    struct sk_work work; /* the same */
    struct sk_done done;
    bool busy;
    struct sk_instant at; /* of the last one begun; unset = none yet */
    struct sk_disk_room found;
    struct sk_series *free_bytes, *total_bytes;
};

struct sk_disks {
    struct sk_metrics *metrics; /* borrowed; NULL = nobody reads */
    struct sk_metrics_reader reader;
    char *log_dir; /* a copy for the pool: the node's configuration is the loop's, which may write to it */
    struct sk_disk_look looks[SK_DISKS];
};

/* For node.c. */
void sk_disks_init(struct sk_disks *disks, struct sk_node *node);
void sk_disks_fini(struct sk_disks *disks); /* no look is under way: each holds the node */

#endif
