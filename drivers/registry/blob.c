/* Blobs: of any size, handed on piece by piece, gone on with where they broke off. */
#include "drivers/registry/request.h"

#include <assert.h>
#include <stdio.h>

/* Bytes above its size that may come, to be told as what they are: more than one piece has. */
#define LONGER ((int64_t)1024 * 1024)

/* What takes a connection for longer than a question does. */
#define BULK ((int64_t)256 * 1024)

struct sk_registry_blob {
    struct sk_request request;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_registry_sink *sink;
    int64_t at, size; /* the next byte to be handed on */
    int64_t skip;     /* bytes still to come that were handed on before */
    unsigned *out_endpoint;
    bool is_told; /* *out_endpoint: the first that gave bytes, since it is the first to be doubted */
};

static struct sk_registry_blob *blob_of(struct sk_request *request)
{
    return sk_container_of(request, struct sk_registry_blob, request);
}

static const struct sk_registry_blob *const_blob_of(const struct sk_request *request)
{
    return sk_container_of(request, const struct sk_registry_blob, request);
}

static bool is_whole(const struct sk_request *request)
{
    return const_blob_of(request)->at == const_blob_of(request)->size;
}

static int64_t from(const struct sk_request *request)
{
    return const_blob_of(request)->at;
}

static enum sk_code begin(struct sk_request *request, const struct sk_http_head *head, struct sk_err *err)
{
    struct sk_registry_blob *blob = blob_of(request);
    int64_t first = head->status == 206 ? head->range_from : 0;
    if (head->status == 206 && first != blob->at)
        return sk_fail(err, SK_DATA_LOSS, "bytes from %lld on, not from %lld", (long long)first,
                       (long long)blob->at);
    if (head->length >= 0 && head->length != blob->size - first)
        return sk_fail(err, SK_DATA_LOSS, "%lld bytes, not %lld", (long long)head->length,
                       (long long)(blob->size - first));
    blob->skip = blob->at - first;
    return SK_OK;
}

static void tell_endpoint(struct sk_registry_blob *blob)
{
    if (blob->out_endpoint && !blob->is_told)
        *blob->out_endpoint = blob->request.at;
    blob->is_told = true;
}

static enum sk_code take(struct sk_request *request, const uint8_t *data, size_t len, struct sk_err *err)
{
    struct sk_registry_blob *blob = blob_of(request);
    size_t skipped = (int64_t)len < blob->skip ? len : (size_t)blob->skip;
    blob->skip -= (int64_t)skipped;
    if ((int64_t)(len - skipped) > blob->size - blob->at)
        return sk_fail(err, SK_DATA_LOSS, "more than %lld bytes", (long long)blob->size);
    if (len == skipped)
        return SK_OK;
    tell_endpoint(blob);
    blob->at += (int64_t)(len - skipped);
    blob->sink->take(blob->sink, data + skipped, len - skipped);
    return SK_OK;
}

static enum sk_code check(struct sk_request *request, struct sk_err *err)
{
    const struct sk_registry_blob *blob = blob_of(request);
    if (is_whole(request))
        return SK_OK;
    return sk_fail(err, SK_DATA_LOSS, "%lld bytes, not %lld", (long long)blob->at, (long long)blob->size);
}

static const struct sk_request_ops blob_ops = {is_whole, from, begin, take, check};

static void end(struct sk_done *over, const struct sk_err *err)
{
    struct sk_registry_blob *blob = sk_container_of(over, struct sk_registry_blob, over);
    struct sk_done *done = blob->done;
    sk_request_fini(&blob->request);
    free(blob);
    sk_done_fire(done, err);
}

static void cancel(struct sk_done *done)
{
    sk_request_cancel(&((struct sk_registry_blob *)done->callee)->request);
}

struct sk_registry_blob *sk_registry_blob(struct sk_registry *registry, const struct sk_registry_ask *ask,
                                          const char *digest, int64_t size, int64_t from_byte,
                                          struct sk_registry_sink *sink, unsigned *out_endpoint,
                                          struct sk_done *done)
{
    assert(sk_digest_is_valid(digest) && from_byte >= 0 && from_byte <= size);
    struct sk_registry_blob *blob = sk_alloc(sizeof(*blob));
    char path[sizeof("blobs/") + SK_DIGEST_SIZE];
    blob->request.registry = registry;
    blob->request.ops = &blob_ops;
    blob->request.bulk = size - from_byte > BULK;
    blob->request.max_bytes = size < INT64_MAX - LONGER ? size + LONGER : size;
    blob->at = from_byte;
    blob->size = size;
    blob->sink = sink;
    blob->out_endpoint = out_endpoint;
    blob->done = done;
    if (out_endpoint)
        *out_endpoint = ask->skip;
    sk_done_init(&blob->over, end);
    done->cancel = cancel;
    done->callee = blob;
    (void)snprintf(path, sizeof(path), "blobs/%s", digest);
    sk_request_start(&blob->request, ask, path, &blob->over);
    return blob;
}

void sk_registry_pause(struct sk_registry_blob *blob)
{
    sk_request_hold(&blob->request, true);
}

void sk_registry_resume(struct sk_registry_blob *blob)
{
    sk_request_hold(&blob->request, false);
}
