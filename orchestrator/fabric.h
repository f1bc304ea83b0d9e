/* fabric.h: what sandboxes' networks are made of: the driver for links and
 * rules that the config names, the forwarder of questions for names, the
 * edge. What is not installed, or switched off, is not there, and says so. */
#ifndef SK_FABRIC_H
#define SK_FABRIC_H

#include "base/log.h"
#include "config/config.h"
#include "core/network.h"

struct sk_fabric;

/* Heap; set at once, so that what was opened before something failed is closed as ever. config, log:
 * borrowed. Blocks, for start-up. Errors: whatever the config asks for cannot be had. */
SK_MUST_CHECK enum sk_code sk_fabric_open(struct sk_loop *loop, const struct sk_log *log,
                                          struct sk_metrics *metrics, const struct sk_config *config,
                                          struct sk_fabric **out_fabric, struct sk_err *err);
struct sk_network *sk_fabric_network(const struct sk_fabric *fabric);
/* NULL: there is none. */
struct sk_names *sk_fabric_names(const struct sk_fabric *fabric);
/* NULL: there is none. */
struct sk_edge *sk_fabric_edge(const struct sk_fabric *fabric);
/* Texts as long as the fabric. */
struct sk_network_config sk_fabric_config(const struct sk_fabric *fabric);
/* Takes over what of another config can change while sandboxes run; nothing of it is borrowed. */
void sk_fabric_configure(struct sk_fabric *fabric, const struct sk_config *config);
/* Sandboxes keep their networks. Nothing may use the drivers any more. */
void sk_fabric_close(struct sk_fabric *fabric_take, struct sk_done *done);

#endif
