/* layers.h: putting an unpacked layer under a lease. */
#ifndef SK_CONTAINERD_LAYERS_H
#define SK_CONTAINERD_LAYERS_H

#include "drivers/containerd/errand.h"

/* Under the errand's lease, which is not NULL. */
void sk_ctd_lease_snapshot(struct sk_errand *errand, const char *chain, struct sk_done *done);

#endif
