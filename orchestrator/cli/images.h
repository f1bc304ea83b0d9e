/* images.h: the server's images, as calls. Answers live in the arena. All
 * return SK_OK or fault->err.code. */
#ifndef SK_CLI_IMAGES_H
#define SK_CLI_IMAGES_H

#include "cli/client.h"
#include "cli/image_bar.h"

#define SK_IMAGE_SERVICE "/sandkeep.v1.ImageService/"

SK_MUST_CHECK enum sk_code sk_client_images_list(struct sk_client *client, struct sk_arena *arena,
                                                 Sandkeep__V1__ListImagesResponse **out_list,
                                                 struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_client_images_get(struct sk_client *client, const char *name,
                                                struct sk_arena *arena, Sandkeep__V1__Image **out_image,
                                                struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_client_images_remove(struct sk_client *client, const char *name,
                                                   struct sk_fault *fault);

/* What became of a pull or an import. */
struct sk_image_made {
    char *name, *digest; /* owned; NULL = nothing */
};
/* One line: the digest, after the name unless quiet. False when it cannot be written. */
SK_MUST_CHECK bool sk_image_made_print(const struct sk_image_made *made, bool quiet);
void sk_image_made_fini(struct sk_image_made *made);

/* Waits until the image is here. A signal ends it. */
SK_MUST_CHECK enum sk_code sk_client_images_pull(struct sk_client *client,
                                                 const Sandkeep__V1__PullImageRequest *request,
                                                 struct sk_image_bar *bar, struct sk_image_made *out_made,
                                                 struct sk_fault *fault);

#endif
