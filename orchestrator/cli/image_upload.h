/* image_upload.h: an image to the server, step by step over one ImportImage:
 * each call runs the loop until it is answered. */
#ifndef SK_CLI_IMAGE_UPLOAD_H
#define SK_CLI_IMAGE_UPLOAD_H

#include "cli/image_bundle.h"
#include "cli/images.h"

struct sk_upload {
    struct sk_client *client;
    struct sk_stream_call *stream;
    struct sk_image_bar *bar; /* NULL until the end */
    bool sending, over;
    bool answered, wanted, stored; /* of the blob at hand */
    struct sk_image_made made;
    struct sk_fault fault; /* once over: why, if it failed */
};

void sk_upload_open(struct sk_upload *upload, struct sk_client *client, const char *name);
/* All below return SK_OK or fault.err.code. */
/* Announces a blob. */
SK_MUST_CHECK enum sk_code sk_upload_blob(struct sk_upload *upload, const struct sk_oci_descriptor *what,
                                          bool *out_wanted);
/* Some of its bytes, if it is wanted. */
SK_MUST_CHECK enum sk_code sk_upload_write(struct sk_upload *upload, const uint8_t *data, size_t len);
/* They were all. */
SK_MUST_CHECK enum sk_code sk_upload_end_blob(struct sk_upload *upload);
/* All blobs are there. */
SK_MUST_CHECK enum sk_code sk_upload_finish(struct sk_upload *upload, const struct sk_oci_descriptor *target,
                                            struct sk_image_bar *bar);
/* Ends it if it still runs. Harmless twice or on a zeroed struct. */
void sk_upload_close(struct sk_upload *upload);

#endif
