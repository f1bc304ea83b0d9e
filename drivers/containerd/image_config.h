/* image_config.h: what lies between an image's name and a root file system:
 * index, manifest, config, chain of layers. Pure; all of it was written by
 * whoever made the image. */
#ifndef SK_CONTAINERD_IMAGE_CONFIG_H
#define SK_CONTAINERD_IMAGE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_DIGEST_SIZE 72 /* "sha256:", 64 digits, NUL */

/* An index names manifests; a manifest names its config. */
struct sk_manifest {
    bool is_index;
    char next[SK_DIGEST_SIZE]; /* index: the manifest for this platform; manifest: its config */
};

/* architecture: as Go names it, "amd64". Errors: SK_FAILED_PRECONDITION (not
 * for this platform; neither index nor manifest; not JSON). */
SK_MUST_CHECK enum sk_code sk_manifest_parse(const uint8_t *text, size_t len, const char *architecture,
                                             struct sk_manifest *out_manifest, struct sk_err *err);

/* The parts of an image config that we use; in the arena given. */
struct sk_image_config {
    char **entrypoint, **cmd, **env; /* NULL-terminated, never NULL; env only "K=V" */
    char **diff_ids;                 /* valid digests */
    char *working_dir, *user;        /* never NULL */
    int stop_signal;
};

/* Errors: SK_FAILED_PRECONDITION, as above. */
SK_MUST_CHECK enum sk_code sk_image_config_parse(const uint8_t *text, size_t len, const char *architecture,
                                                 struct sk_arena *arena, struct sk_image_config *out_config,
                                                 struct sk_err *err);

/* The name of the snapshot that the layers make, "" for none. */
void sk_chain_id(char *const *diff_ids, char out_chain[SK_DIGEST_SIZE]);

/* "SIGTERM", "TERM", "15", "SIGRTMIN+3"; 0 = no such signal. */
int sk_signal_parse(const char *text);

/* "x86_64" -> "amd64", "aarch64" -> "arm64"; others unchanged. */
const char *sk_architecture_of(const char *machine);

#endif
