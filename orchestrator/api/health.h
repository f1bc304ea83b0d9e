/* health.h: what is said of each service's health.
 *
 * "" is the node as a whole, as somebody sees it who would like a sandbox. A service is unwell by those
 * faults of the node (core/health.h) that its calls meet; commands, files and logs go on through all of them.
 * One that is not implemented does not serve. */
#ifndef SK_API_HEALTH_H
#define SK_API_HEALTH_H

#include "core/node.h"

#include "grpc/health/v1/health.pb-c.h"

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus sk_serving;

#define SK_SERVING(value) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##value

/* SERVICE_UNKNOWN for a name that is none. */
sk_serving sk_health_of(const struct sk_node *node, const char *service);

#endif
