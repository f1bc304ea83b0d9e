/* facts.h: what an image's own documents say of it, read one after the other:
 * what its name stands for (an index or a manifest), the manifest for this
 * platform, the config. Each is believed only when it has the digest and size
 * by which it was named. Pure. */
#ifndef SK_IMAGES_FACTS_H
#define SK_IMAGES_FACTS_H

#include "base/buf.h"
#include "drivers/image.h"
#include "oci/image_config.h"
#include "oci/reference.h"

struct sk_facts {
    struct sk_arena arena;
    const char *architecture; /* borrowed */
    char name[SK_REFERENCE_MAX];
    struct sk_oci_descriptor target;   /* what the name stands for; size -1 = not known */
    struct sk_oci_descriptor manifest; /* target, or what that names for this platform */
    struct sk_manifest said;           /* by the last of them that was read */
    struct sk_image_config config;
    char (*chains)[SK_DIGEST_SIZE]; /* of the layers up to each */
};

/* architecture: must live as long. name: a full one; copied. */
void sk_facts_init(struct sk_facts *facts, const char *name, const char *architecture);
void sk_facts_fini(struct sk_facts *facts);

/* All give SK_FAILED_PRECONDITION for what is damaged or not for this platform. */
/* The bytes of facts->target, of which digest, size and media type are set; a type that does not fit becomes
 * OCI's. */
SK_MUST_CHECK enum sk_code sk_facts_take_target(struct sk_facts *facts, const struct sk_buf *bytes,
                                                struct sk_err *err);
/* The bytes of facts->manifest; only when the target is an index. */
SK_MUST_CHECK enum sk_code sk_facts_take_manifest(struct sk_facts *facts, const struct sk_buf *bytes,
                                                  struct sk_err *err);
/* The bytes of the config, facts->said.next. */
SK_MUST_CHECK enum sk_code sk_facts_take_config(struct sk_facts *facts, const struct sk_buf *bytes,
                                                struct sk_err *err);

/* Whether the target was an index. */
bool sk_facts_has_index(const struct sk_facts *facts);
/* The chain id of the first `count` layers, "" for none. */
const char *sk_facts_chain(const struct sk_facts *facts, size_t count);
/* All of it, as drivers/image.h wants it; points into facts, on loan, without a puller. */
struct sk_image sk_facts_image(struct sk_facts *facts);

#endif
