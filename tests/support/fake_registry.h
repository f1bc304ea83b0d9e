/* fake_registry.h: stands in for drivers/registry at link time: images in
 * memory, and endpoints that lie, break off, wait or refuse as a test says.
 * Bytes come a chunk a turn, and never while they are held. */
#ifndef SK_TESTS_FAKE_REGISTRY_H
#define SK_TESTS_FAKE_REGISTRY_H

#include "drivers/registry/registry.h"

struct sk_registry *sk_fake_registry_new(struct sk_loop *loop);
/* No call may be under way (asserted). */
void sk_fake_registry_free(struct sk_registry *registry);

/* Copies; name: a tag or a digest, NULL = its own digest. */
void sk_fake_registry_add_manifest(struct sk_registry *registry, const char *name, const char *media_type,
                                   const char *text, char out_digest[SK_DIGEST_SIZE]);
void sk_fake_registry_add_blob(struct sk_registry *registry, const void *data, size_t len,
                               char out_digest[SK_DIGEST_SIZE]);

/* May be changed at any time. */
struct sk_fake_registry_bent {
    int (*hook)(void *arg, const char *call); /* as in drivers/fake/calls.h: "registry.manifest", "….blob" */
    void *arg;
    unsigned endpoints;      /* 1 at first */
    unsigned liars;          /* so many of them, from the first, send wrong bytes of blobs */
    bool wrong_manifests;    /* another manifest than asked for */
    enum sk_code fails;      /* all calls, if not SK_OK … */
    const char *fails_only;  /* … or only those for this digest */
    const char *stalls;      /* the registry whose blobs stop after a byte; NULL = none */
    int64_t breaks_at;       /* blobs break off (SK_UNAVAILABLE) there; 0 = not */
    size_t chunk;            /* 64 KiB at first */
    struct sk_duration pace; /* between chunks; 0 = a turn */
};
struct sk_fake_registry_bent *sk_fake_registry_bend(struct sk_registry *registry);

/* What was asked. */
struct sk_fake_registry_count {
    unsigned manifests, blobs, pauses;
    int64_t bytes;        /* of blobs, sent */
    int64_t last_from;    /* where the last blob began */
    bool sent_while_held; /* never */
    char username[32];    /* of the last login, "" = none */
};
const struct sk_fake_registry_count *sk_fake_registry_counts(const struct sk_registry *registry);

#endif
