/* image_config.h: how an image says it is to be run, and the chain of its
 * layers (OCI image-spec config.md). Pure; all of it was written by whoever
 * made the image. */
#ifndef SK_OCI_IMAGE_CONFIG_H
#define SK_OCI_IMAGE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

/* The parts of an image config that we use; in the arena given. */
struct sk_image_config {
    char **entrypoint, **cmd, **env; /* NULL-terminated, never NULL; env only "K=V" */
    char **diff_ids;                 /* valid digests */
    char *working_dir, *user;        /* never NULL */
    int stop_signal;
};

/* architecture: as Go names it. Errors: SK_FAILED_PRECONDITION (no JSON object; not for this platform; a
 * field of another type; more than 4096 entries in a list; no valid digests; a stop signal that does not
 * exist). */
SK_MUST_CHECK enum sk_code sk_image_config_parse(const uint8_t *text, size_t len, const char *architecture,
                                                 struct sk_arena *arena, struct sk_image_config *out_config,
                                                 struct sk_err *err);

/* The name of the snapshot that the layers make, "" for none. */
void sk_chain_id(char *const *diff_ids, char out_chain[SK_DIGEST_SIZE]);

/* "SIGTERM", "term", "15", "SIGRTMIN+3", "SIGRTMAX-1"; 0 = no such signal. */
int sk_signal_parse(const char *text);

/* "x86_64" -> "amd64", "aarch64" -> "arm64"; others unchanged. */
const char *sk_architecture_of(const char *machine);

#endif
