/* registry.h: a client of OCI registries (opencontainers/distribution-spec,
 * spec.md; tokens: distribution/distribution, docs/spec/auth): manifests and
 * blobs, from mirrors first when the node has some, with credentials, retries
 * and resumption.
 *
 * Requests go over https, except to hosts that the node's config marks as
 * plain http, and to where those send them. Hosts that the config names may
 * lie at internal addresses (http.h), others not. Credentials go to the
 * registry (and its token server, over https or when both are plain) they
 * belong to; never along a redirect to another host. Mirrors get those that
 * are kept under their own host.
 * 429 and 5xx, resets and stalls are tried again with growing pauses (or as
 * Retry-After says, up to a minute), several times, then the next endpoint.
 *
 * Threads: loop only. Texts given are copied. */
#ifndef SK_REGISTRY_REGISTRY_H
#define SK_REGISTRY_REGISTRY_H

#include "base/buf.h"
#include "drivers/http/http.h"
#include "drivers/image.h"
#include "oci/digest.h"
#include "oci/reference.h"

struct sk_registry;

/* What the config says of one registry; of others all is absent. */
struct sk_registry_host {
    const char *name; /* "docker.io", "registry.corp:5000": as in references */
    const char *const
        *mirrors;    /* asked first, in this order; URLs "http(s)://host[:port][/prefix]"; NULL-terminated */
    bool plain_http; /* of the registry itself; mirrors say so by their URL */
    const char *ca_file;              /* "" = the system's; for all hosts that are named here */
    const char *const *trusted_hosts; /* "host[:port]" of its token and blob servers that may be internal */
};

struct sk_registry_options {
    struct sk_loop *loop;
    const struct sk_log *log; /* may be NULL */
    const struct sk_registry_host *hosts;
    size_t host_count;
    /* The node's own logins; a registry's name as in references. */
    const struct sk_image_login *logins;
    size_t login_count;
    const char *proxy;
    unsigned max_connections; /* > 0; together */
};

/* Copies the options. */
SK_MUST_CHECK enum sk_code sk_registry_new(const struct sk_registry_options *options,
                                           struct sk_registry **out_registry, struct sk_err *err);
/* Whether the hosts can be used. Any thread. */
SK_MUST_CHECK enum sk_code sk_registry_check_hosts(const struct sk_registry_host *hosts, size_t count,
                                                   struct sk_err *err);
/* Other hosts, which have been checked, and logins, both copied, for what is asked from now on. */
void sk_registry_configure(struct sk_registry *registry, const struct sk_registry_host *hosts,
                           size_t host_count, const struct sk_image_login *logins, size_t login_count);
/* No call may be under way. NULL is fine. */
void sk_registry_free(struct sk_registry *registry);

/* The node's own login for that registry, or NULL; borrowed until the caller returns to the loop. */
const struct sk_image_login *sk_registry_find_login(const struct sk_registry *registry, const char *name);

/* What is asked for, and by whom. */
struct sk_registry_ask {
    const struct sk_reference *reference; /* registry and repository count; of manifests tag or digest too */
    const struct sk_image_login *login;   /* NULL: the node's, if it has one for this registry */
    unsigned skip; /* endpoints to leave out, from the first: those whose bytes proved wrong.
                      When none is left: SK_OUT_OF_RANGE */
};

struct sk_registry_manifest {
    char digest[SK_DIGEST_SIZE]; /* of the bytes, calculated here */
    char media_type[128];        /* the response's, "" = not said */
    struct sk_buf bytes;         /* the caller's: sk_buf_fini */
    unsigned endpoint;           /* the one that answered, from 0 */
};

/* A manifest or index, by reference->digest if it has one, else by tag. When asked for by digest the bytes
 * are known to have it. Fills *out (its bytes given a ceiling by the callee). Errors: SK_NOT_FOUND,
 * SK_UNAUTHENTICATED, SK_PERMISSION_DENIED, SK_RESOURCE_EXHAUSTED (rate limit), SK_UNAVAILABLE, SK_DATA_LOSS
 * (not the bytes of that digest), SK_FAILED_PRECONDITION (longer than SK_OCI_BLOB_MAX; a header without end;
 * no JSON object).
 * The sentence names the registry and the status. */
void sk_registry_manifest(struct sk_registry *registry, const struct sk_registry_ask *ask,
                          struct sk_registry_manifest *out, struct sk_done *done);

/* Where a blob's bytes go. */
struct sk_registry_sink {
    /* Takes all of it. To hold the flow: sk_registry_pause, then sk_registry_resume. */
    void (*take)(struct sk_registry_sink *sink, const uint8_t *data, size_t len);
};

struct sk_registry_blob;

/* Bytes [from, size) of a blob, in order, none twice: what breaks off is resumed where it was. The digest is
 * for the taker to check. done fires after the last byte was taken, even while the flow is held; it can be
 * cancelled. `sink` is borrowed until then, and the blob lives until then. *out_endpoint (may be NULL): the
 * first endpoint that gave bytes; when the digest is wrong the next call skips those up to it. Errors: as
 * above; SK_DATA_LOSS: longer or shorter than `size`. */
struct sk_registry_blob *sk_registry_blob(struct sk_registry *registry, const struct sk_registry_ask *ask,
                                          const char *digest, int64_t size, int64_t from,
                                          struct sk_registry_sink *sink, unsigned *out_endpoint,
                                          struct sk_done *done);
void sk_registry_pause(struct sk_registry_blob *blob);
void sk_registry_resume(struct sk_registry_blob *blob);

#endif
