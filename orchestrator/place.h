/* place.h: the daemon's two directories on disk and what it keeps in them
 * itself: the lock that makes it the only one, the node's name, the address
 * it listens on, a port. Blocking; for start and stop. */
#ifndef SK_PLACE_H
#define SK_PLACE_H

#include "base/id.h"

#include <stdint.h>
#include <sys/types.h>

/* Makes `path` if it is missing and gives it this mode. Errors: its parent is
 * missing, or it is not a directory of ours. */
SK_MUST_CHECK enum sk_code sk_place_make(const char *path, mode_t mode, struct sk_err *err);

/* Takes the directory for this process, until *out_fd is closed or the
 * process ends. Errors: SK_FAILED_PRECONDITION (another daemon has it). */
SK_MUST_CHECK enum sk_code sk_place_lock(const char *path, int *out_fd, struct sk_err *err);

/* The node's name, as remembered in state_dir; at the first start `wanted`,
 * or one made from the host name if that is "". Errors:
 * SK_FAILED_PRECONDITION (another one is wanted than is remembered),
 * SK_DATA_LOSS (what is remembered is no name). */
SK_MUST_CHECK enum sk_code sk_place_node_id(const char *state_dir, const char *wanted,
                                            char out_node[SK_NODE_MAX + 1], struct sk_err *err);

/* <run_dir>/address: one "host:port" a line, for whoever looks for the daemon. */
SK_MUST_CHECK enum sk_code sk_place_write_address(const char *run_dir, const char *lines, struct sk_err *err);
void sk_place_remove_address(const char *run_dir);
/* <run_dir>/http: the same of what operators read. */
SK_MUST_CHECK enum sk_code sk_place_write_http(const char *run_dir, const char *line, struct sk_err *err);
void sk_place_remove_http(const char *run_dir);

/* The port where HTTPS to granted names is looked at, as remembered in run_dir, since rules in force lead
 * there; at first a free one. Errors: by errno; SK_DATA_LOSS. */
SK_MUST_CHECK enum sk_code sk_place_gate_port(const char *run_dir, uint16_t *out_port, struct sk_err *err);

#define SK_SALT_SIZE 65 /* hexadecimal digits and NUL */
/* What digests of logins are made with, as remembered in state_dir; random at the first start. When it is
 * lost registries are asked again who may use which image. */
SK_MUST_CHECK enum sk_code sk_place_login_salt(const char *state_dir, char out_salt[SK_SALT_SIZE],
                                               struct sk_err *err);

#endif
