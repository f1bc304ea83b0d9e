/* Manifests and indexes: small, wanted whole, and checked here, since we act on them. */
#include "drivers/registry/request.h"

#include <stdio.h>
#include <string.h>

struct manifest {
    struct sk_request request;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_registry_manifest *out;
    char wanted[SK_DIGEST_SIZE]; /* "" = whatever the tag stands for */
    char named[SK_DIGEST_SIZE];  /* what the registry says it sends; "" = nothing */
    char media_type[sizeof(((struct sk_registry_manifest *)0)->media_type)];
    struct sk_buf bytes;
};

static struct manifest *manifest_of(struct sk_request *request)
{
    return sk_container_of(request, struct manifest, request);
}

static enum sk_code begin(struct sk_request *request, const struct sk_http_head *head, struct sk_err *err)
{
    struct manifest *m = manifest_of(request);
    const char *type = head->content_type ? head->content_type : "";
    size_t len = strcspn(type, "; \t");
    if (head->status != 200)
        return sk_fail(err, SK_DATA_LOSS, "a part of a manifest");
    sk_buf_clear(&m->bytes);
    *m->named = *m->media_type = '\0';
    if (head->content_digest && sk_digest_is_valid(head->content_digest))
        memcpy(m->named, head->content_digest, strlen(head->content_digest) + 1);
    if (len < sizeof(m->media_type))
        (void)snprintf(m->media_type, sizeof(m->media_type), "%.*s", (int)len, type);
    return SK_OK;
}

static enum sk_code take(struct sk_request *request, const uint8_t *data, size_t len, struct sk_err *err)
{
    if (sk_buf_append(&manifest_of(request)->bytes, data, len) == SK_OK)
        return SK_OK;
    return sk_fail(err, SK_FAILED_PRECONDITION, "a manifest above %zu bytes", SK_OCI_BLOB_MAX);
}

/* Cut off, or a page for people: then another place may have it. What it says is for others to judge. */
static bool is_document(const struct sk_buf *bytes)
{
    static const char blanks[] = " \t\r\n";
    size_t first = 0, end = bytes->len;
    while (first < end && memchr(blanks, bytes->data[first], sizeof(blanks) - 1))
        first++;
    while (end > first && memchr(blanks, bytes->data[end - 1], sizeof(blanks) - 1))
        end--;
    return end - first >= 2 && bytes->data[first] == '{' && bytes->data[end - 1] == '}';
}

static enum sk_code check(struct sk_request *request, struct sk_err *err)
{
    struct manifest *m = manifest_of(request);
    struct sk_registry_manifest found = {.endpoint = request->at};
    const char *wanted = *m->wanted ? m->wanted : m->named;
    sk_digest_of(m->bytes.data, m->bytes.len, found.digest);
    if (*wanted && strcmp(wanted, found.digest) != 0)
        return sk_fail(err, SK_DATA_LOSS, "not the bytes of %s", wanted);
    if (!is_document(&m->bytes))
        return sk_fail(err, SK_FAILED_PRECONDITION, "what is no manifest");
    memcpy(found.media_type, m->media_type, sizeof(found.media_type));
    found.bytes = m->bytes;
    m->bytes = (struct sk_buf){0};
    *m->out = found;
    return SK_OK;
}

static const struct sk_request_ops manifest_ops = {.begin = begin, .data = take, .finish = check};

static void end(struct sk_done *over, const struct sk_err *err)
{
    struct manifest *m = sk_container_of(over, struct manifest, over);
    struct sk_done *done = m->done;
    sk_request_fini(&m->request);
    sk_buf_fini(&m->bytes);
    free(m);
    sk_done_fire(done, err);
}

static void cancel(struct sk_done *done)
{
    sk_request_cancel(&((struct manifest *)done->callee)->request);
}

void sk_registry_manifest(struct sk_registry *registry, const struct sk_registry_ask *ask,
                          struct sk_registry_manifest *out, struct sk_done *done)
{
    const struct sk_reference *reference = ask->reference;
    struct manifest *m = sk_alloc(sizeof(*m));
    char path[sizeof("manifests/") + sizeof(reference->tag) + sizeof(reference->digest)];
    m->request.registry = registry;
    m->request.ops = &manifest_ops;
    m->request.accept = SK_OCI_ACCEPT;
    m->request.max_bytes = (int64_t)SK_OCI_BLOB_MAX;
    m->done = done;
    m->out = out;
    memcpy(m->wanted, reference->digest, sizeof(m->wanted));
    sk_buf_init(&m->bytes, SK_OCI_BLOB_MAX);
    sk_done_init(&m->over, end);
    done->cancel = cancel;
    done->callee = m;
    (void)snprintf(path, sizeof(path), "manifests/%s", *m->wanted ? m->wanted : reference->tag);
    sk_request_start(&m->request, ask, path, &m->over);
}
