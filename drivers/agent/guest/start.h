/* start.h: from a START to a process in the table. */
#ifndef SK_GUEST_START_H
#define SK_GUEST_START_H

#include "drivers/agent/guest/link.h"
#include "drivers/agent/guest/spawn.h"
#include "drivers/agent/guest/table.h"

/* Takes the packet's descriptors, of which there are as many as the frame
 * says unless some were lost. The key must be unknown. 0, or an errno and
 * *out_stage. */
int sk_start(struct sk_table *table, struct sk_spawner *spawner, const struct sk_frame *frame,
             struct sk_packet *packet, enum sk_stage *out_stage);

#endif
