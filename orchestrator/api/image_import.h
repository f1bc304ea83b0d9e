/* image_import.h: the course of an import: which message may come next, and
 * whether what it says can be true. Pure. */
#ifndef SK_API_IMAGE_IMPORT_H
#define SK_API_IMAGE_IMPORT_H

#include "api/messages.h"
#include "oci/manifest.h"
#include "oci/reference.h"

#define SK_IMPORT_CHUNK_MAX ((size_t)1 << 20)
#define SK_IMPORT_BLOBS_MAX 2048

enum sk_import_state {
    SK_IMPORT_NEW,     /* start must come */
    SK_IMPORT_BETWEEN, /* a blob may be announced, or all be finished */
    SK_IMPORT_BYTES,   /* of the blob that was announced */
    SK_IMPORT_OVER,    /* nothing more may come */
};

/* Zeroed = at the beginning. */
struct sk_import_course {
    enum sk_import_state state;
    unsigned blobs;              /* announced so far */
    char name[SK_REFERENCE_MAX]; /* of the image, normalised */
    char digest[SK_DIGEST_SIZE]; /* of the blob */
    int64_t size, missing;       /* bytes of it */
    struct sk_oci_descriptor target;
};

/* The next message, or NULL: the client says no more. Errors: SK_INVALID_ARGUMENT, with the field if there is
 * one. */
SK_MUST_CHECK enum sk_code sk_import_take(struct sk_import_course *course,
                                          const SK_OWN_PB(ImportImageRequest) * in, struct sk_err *err);
/* The blob is done with: all its bytes are stored, or are not needed. */
void sk_import_end_blob(struct sk_import_course *course);

#endif
