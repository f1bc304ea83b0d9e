/* edge.h (fake): an edge in memory: what was set is remembered, and nobody
 * comes in by it. */
#ifndef SK_FAKE_EDGE_H
#define SK_FAKE_EDGE_H

#include "drivers/edge.h"
#include "drivers/fake/calls.h"

struct sk_fake_edge;

/* Heap; one owner. */
struct sk_fake_edge *sk_fake_edge_new(struct sk_loop *loop);
/* NULL is fine. No call may be under way. */
void sk_fake_edge_free(struct sk_fake_edge *fake);
struct sk_edge *sk_fake_edge_base(struct sk_fake_edge *fake);
/* Calls are named as in the contract: "edge.set". */
struct sk_fake_calls *sk_fake_edge_calls(struct sk_fake_edge *fake);

/* What is set for that sandbox, as it was given; NULL = nothing. Borrowed until the loop runs. */
const struct sk_edge_box *sk_fake_edge_find(const struct sk_fake_edge *fake, const char *id);
size_t sk_fake_edge_count(const struct sk_fake_edge *fake);
/* To whoever listens, at once; not inside a call of the driver. */
void sk_fake_edge_tell(struct sk_fake_edge *fake, const struct sk_edge_denial *denial);

#endif
