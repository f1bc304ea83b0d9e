/* image_index.h: the list in an OCI index or index.json: what it names, and
 * what that is called. Pure; written by strangers. */
#ifndef SK_CLI_IMAGE_INDEX_H
#define SK_CLI_IMAGE_INDEX_H

#include "oci/manifest.h"

#define SK_INDEX_ITEMS_MAX 1024

struct sk_index_item {
    struct sk_oci_descriptor what;
    const char *name; /* as an annotation says; NULL = none */
};

/* All is in the arena. Errors: SK_FAILED_PRECONDITION. */
SK_MUST_CHECK enum sk_code sk_index_parse(const uint8_t *text, size_t len, struct sk_arena *arena,
                                          struct sk_index_item **out_items, size_t *out_count,
                                          struct sk_err *err);
/* By its media type. */
bool sk_index_is_index(const struct sk_oci_descriptor *what);

#endif
