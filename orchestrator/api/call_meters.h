/* call_meters.h: how many calls there are of each method, how they end, and how long they take.
 *
 * Threads: loop only. */
#ifndef SK_API_CALL_METERS_H
#define SK_API_CALL_METERS_H

#include "api/methods.h"
#include "metrics/metrics.h"

struct sk_call_meter; /* of one method */

struct sk_call_meters {
    struct sk_metrics *metrics;     /* borrowed; NULL = nothing is counted */
    struct sk_call_meter *methods;  /* heap; those that were called, few */
    struct sk_series *under_way[2]; /* unary, streams */
};

void sk_call_meters_init(struct sk_call_meters *meters, struct sk_metrics *metrics);
void sk_call_meters_fini(struct sk_call_meters *meters);
/* A call has come. method->type NULL = there is no such method. Borrowed from the meters; NULL without a
 * registry. */
struct sk_call_meter *sk_call_meters_begin(struct sk_call_meters *meters, const struct sk_method *method);
/* It was answered. meter NULL is fine. */
void sk_call_meters_end(struct sk_call_meters *meters, struct sk_call_meter *meter, enum sk_code code,
                        struct sk_instant began, struct sk_instant now);

#endif
