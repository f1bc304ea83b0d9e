/* ring.h: what waits to be written, in a mapped file: one thread puts, another
 * takes. A daemon that is killed leaves it in the kernel's hands, so the next
 * one finds what the last had not written yet, and knows what it had.
 *
 * What is taken is let go of by sk_ring_commit, together with how far the
 * chain had come: both change at once or not at all. After a restart of the
 * machine the file means nothing any more, and is begun anew.
 *
 * Threads: putting is one thread's, all else another's. */
#ifndef SK_AUDIT_RING_H
#define SK_AUDIT_RING_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SK_RING_SIZE ((size_t)4 << 20) /* a power of two */

/* How far the taker is. */
struct sk_ring_state {
    uint64_t at;     /* bytes let go of, ever */
    uint64_t seq;    /* of the chain: what the next record will be */
    uint64_t told;   /* lost ones that the chain knows of */
    uint64_t is_own; /* a line is being written that is no record of the ring */
};

struct sk_ring_shared;
struct sk_ring {
    struct sk_ring_shared *shared; /* mapped */
    size_t len;
    bool is_file; /* else it does not outlive the process */
};

/* Opens or makes the file; `fd_folder` and `name` say where. Blocking. Where no file can be made it lives in
 * memory alone, and *err says why (SK_OK: it does not). Never fails otherwise. *out_found: there is something
 * of this boot's in it. */
void sk_ring_open(struct sk_ring *ring, int fd_folder, const char *name, const char *boot_id, bool *out_found,
                  struct sk_err *err);
void sk_ring_close(struct sk_ring *ring); /* zeroed is fine */

/* The putter. False: no room; then it is counted as lost. */
bool sk_ring_put(struct sk_ring *ring, const void *data, size_t len);
/* One is counted as lost that was not put. */
void sk_ring_lose(struct sk_ring *ring);
/* Bytes that wait. */
size_t sk_ring_used(const struct sk_ring *ring);

/* The taker. The record after `*at` (begin with the state's), appended to `out`; false: there is none, or it
 * does not fit into `out`. */
bool sk_ring_peek(const struct sk_ring *ring, uint64_t *at, struct sk_buf *out);
struct sk_ring_state sk_ring_state(const struct sk_ring *ring);
void sk_ring_commit(struct sk_ring *ring, struct sk_ring_state state);
/* Where the last record ends; the putter's, too. */
uint64_t sk_ring_end(const struct sk_ring *ring);
/* Records lost, ever. */
uint64_t sk_ring_lost(const struct sk_ring *ring);

#endif
