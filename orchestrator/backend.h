/* backend.h: what sandboxes run on, by the config's `drivers`: containerd and the guests' channel, or the
 * fakes of demonstrations and tests. With supply.h the only place that names drivers. */
#ifndef SK_BACKEND_H
#define SK_BACKEND_H

#include "base/log.h"
#include "config/config.h"
#include "drivers/agent.h"
#include "drivers/content.h"
#include "drivers/image.h"
#include "drivers/runtime.h"
#include "metrics/metrics.h"
#include "rpc/bridge.h"

struct sk_backend;

/* Heap; loop, log, metrics, bridge and config are borrowed. Errors: SK_FAILED_PRECONDITION (no OCI runtime,
 * no guest program); of the drivers. *out_backend is set in any case, and owed a close. */
SK_MUST_CHECK enum sk_code sk_backend_open(struct sk_loop *loop, const struct sk_log *log,
                                           struct sk_metrics *metrics, struct sk_bridge *bridge,
                                           const struct sk_config *config, struct sk_backend **out_backend,
                                           struct sk_err *err);
/* These are valid until it is closed. */
struct sk_runtime *sk_backend_runtime(const struct sk_backend *backend);
struct sk_agent *sk_backend_agent(const struct sk_backend *backend);
/* Where images are kept; NULL = by sk_backend_fake_images. */
struct sk_content *sk_backend_content(const struct sk_backend *backend);
/* NULL: there are none. */
struct sk_image_driver *sk_backend_fake_images(const struct sk_backend *backend);
/* Nothing may use the drivers any more. */
void sk_backend_close(struct sk_backend *backend_take, struct sk_done *done);

#endif
