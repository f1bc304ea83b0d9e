/* host.h: what the machine has, and what follows from it and the config. */
#ifndef SK_HOST_H
#define SK_HOST_H

#include "config/config.h"
#include "core/node.h"

/* Below state_dir: what main processes printed. */
#define SK_LOG_FOLDER "logs"

/* The node's settings; ceilings that were left open become the host's. Lists are borrowed from the config. */
void sk_host_node_config(const struct sk_config *config, const char *node_id,
                         struct sk_node_config *out_config);

/* The OCI runtime to use: what the config names, or for "auto" the path of
 * crun, else of runc. Heap. Errors: SK_FAILED_PRECONDITION (neither is there). */
SK_MUST_CHECK enum sk_code sk_host_runtime(const char *wanted, char **out_runtime, struct sk_err *err);

/* A PEM file, whole. Heap; "" gives NULL. */
SK_MUST_CHECK enum sk_code sk_host_read_pem(const char *path, char **out_text, struct sk_err *err);

/* As many descriptors as we may have; returns how many. */
uint64_t sk_host_raise_files(void);

#endif
