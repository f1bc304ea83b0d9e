/* capacity.h: what the node gives out, what of it is promised, what is free.
 *
 * Promised is what sandboxes ask for at least (their requests), from their
 * admission until their end was seen and nothing of them is left. Limits are
 * not counted: they may be reached by all together only as far as the machine
 * goes. What there is to give out may be more than the machine has (settings
 * overcommit_*), and may shrink below what is promised: then nothing is free.
 *
 * A charge lies in what it pays for, so that giving back cannot be forgotten;
 * giving back twice is harmless. Pure. Threads: loop only. */
#ifndef SK_CORE_CAPACITY_H
#define SK_CORE_CAPACITY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clients know what to make of this one: they may ask another node, or come back. */
#define SK_REASON_CAPACITY "RUNNER_CAPACITY_EXHAUSTED"
/* Too much at once, by one tenant or all: in a moment it may do. */
#define SK_REASON_OVERLOADED "RUNNER_OVERLOADED"

/* cpu in thousandths of a core, memory in bytes, GPUs in pieces. */
struct sk_amount {
    int64_t cpu_millis, memory_bytes, gpus;
};

struct sk_capacity {
    struct sk_amount total;   /* to be given out, overcommitment included */
    struct sk_amount charged; /* of it; more than that after a restart with less */
    size_t charges;           /* how many share it */
};

struct sk_charge {
    struct sk_capacity *capacity; /* borrowed; NULL = nothing is charged */
    struct sk_amount amount;
};

/* host * percent / 100, less what is kept back; never negative, without overflow. */
int64_t sk_capacity_of(int64_t host, int64_t kept_back, int64_t percent);

/* What is left; never negative. */
struct sk_amount sk_capacity_free(const struct sk_capacity *capacity);
/* Whether it fits. Errors: SK_RESOURCE_EXHAUSTED + SK_REASON_CAPACITY, with what was asked for and what is
 * free. */
SK_MUST_CHECK enum sk_code sk_capacity_check(const struct sk_capacity *capacity,
                                             const struct sk_amount *wanted, struct sk_err *err);

/* Charges, whether it fits or not: what runs already is always admitted. The charge must be empty. */
void sk_charge_take(struct sk_charge *charge, struct sk_capacity *capacity, const struct sk_amount *amount);
void sk_charge_drop(struct sk_charge *charge);

#endif
