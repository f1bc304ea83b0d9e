#include "support/fake_registry.h"

#include <assert.h>
#include <string.h>

enum { OK, FAIL, FAIL_AFTER, HANG }; /* drivers/fake/calls.h */

struct thing {
    struct sk_list link;
    char name[SK_DIGEST_SIZE + 64], digest[SK_DIGEST_SIZE];
    char media_type[128];
    struct sk_buf bytes;
};

struct sk_registry {
    struct sk_loop *loop;
    struct sk_list manifests, blobs;
    struct sk_fake_registry_bent bent;
    struct sk_fake_registry_count count;
    size_t under_way;
};

/* One call under way, of either kind. */
struct sk_registry_blob {
    struct sk_registry *registry;
    struct sk_done *done;
    struct sk_timer timer;
    struct sk_task task;
    bool is_cancelled, is_held, is_lying, is_stalling;
    int verdict;
    enum sk_code code; /* how it is to end at once */

    struct sk_registry_manifest *out;
    const struct thing *thing; /* NULL = there is none */
    struct sk_registry_sink *sink;
    int64_t at, size;
};

struct sk_registry *sk_fake_registry_new(struct sk_loop *loop)
{
    struct sk_registry *r = sk_alloc(sizeof(*r));

    r->loop = loop;
    r->bent.endpoints = 1;
    r->bent.chunk = 64 * 1024;
    sk_list_init(&r->manifests);
    sk_list_init(&r->blobs);
    return r;
}

static void drop_all(struct sk_list *things)
{
    struct sk_list *link;

    while ((link = sk_list_pop(things))) {
        struct thing *thing = sk_list_entry(link, struct thing, link);
        sk_buf_fini(&thing->bytes);
        free(thing);
    }
}

void sk_fake_registry_free(struct sk_registry *registry)
{
    assert(registry->under_way == 0);
    drop_all(&registry->manifests);
    drop_all(&registry->blobs);
    free(registry);
}

static struct thing *add(struct sk_list *things, const char *name, const void *data, size_t len,
                         char out_digest[SK_DIGEST_SIZE])
{
    struct thing *thing = sk_alloc(sizeof(*thing));

    sk_buf_init(&thing->bytes, len);
    (void)!sk_buf_append(&thing->bytes, data, len);
    sk_digest_of(data, len, thing->digest);
    (void)snprintf(thing->name, sizeof(thing->name), "%s", name ? name : thing->digest);
    memcpy(out_digest, thing->digest, SK_DIGEST_SIZE);
    sk_list_prepend(things, &thing->link);
    return thing;
}

void sk_fake_registry_add_manifest(struct sk_registry *registry, const char *name, const char *media_type,
                                   const char *text, char out_digest[SK_DIGEST_SIZE])
{
    struct thing *thing = add(&registry->manifests, name, text, strlen(text), out_digest);
    (void)snprintf(thing->media_type, sizeof(thing->media_type), "%s", media_type);
}

void sk_fake_registry_add_blob(struct sk_registry *registry, const void *data, size_t len,
                               char out_digest[SK_DIGEST_SIZE])
{
    (void)add(&registry->blobs, NULL, data, len, out_digest);
}

struct sk_fake_registry_bent *sk_fake_registry_bend(struct sk_registry *registry)
{
    return &registry->bent;
}

const struct sk_fake_registry_count *sk_fake_registry_counts(const struct sk_registry *registry)
{
    return &registry->count;
}

static const struct thing *find(const struct sk_list *things, const char *name)
{
    sk_list_each(things, link)
    {
        const struct thing *thing = sk_list_entry(link, struct thing, link);
        if (strcmp(thing->name, name) == 0 || strcmp(thing->digest, name) == 0)
            return thing;
    }
    return NULL;
}

/* --- calls ------------------------------------------------------------------------------- */

static void finish(struct sk_registry_blob *call, enum sk_code code, const char *text)
{
    struct sk_registry *r = call->registry;
    struct sk_done *done = call->done;
    struct sk_err err;

    sk_timer_stop(r->loop, &call->timer);
    sk_loop_undefer(&call->task);
    r->under_way--;
    free(call);
    if (code != SK_OK)
        (void)!sk_fail(&err, code, "%s (registry.test answered)", text);
    sk_done_fire(done, code == SK_OK ? NULL : &err);
}

static void send_manifest(struct sk_registry_blob *call)
{
    struct sk_registry_manifest *out = call->out;
    const struct thing *thing = call->thing;

    if (call->registry->bent.wrong_manifests)
        thing = sk_list_entry(call->registry->manifests.next, struct thing, link);
    *out = (struct sk_registry_manifest){0};
    sk_buf_init(&out->bytes, SK_OCI_BLOB_MAX);
    (void)!sk_buf_append(&out->bytes, thing->bytes.data, thing->bytes.len);
    memcpy(out->digest, thing->digest, sizeof(out->digest));
    memcpy(out->media_type, thing->media_type, sizeof(out->media_type));
    finish(call, SK_OK, "");
}

static void go_on(struct sk_task *task);

static void on_timer(struct sk_timer *timer)
{
    struct sk_registry_blob *call = sk_container_of(timer, struct sk_registry_blob, timer);
    go_on(&call->task);
}

static void schedule(struct sk_registry_blob *call)
{
    struct sk_registry *r = call->registry;

    if (call->is_cancelled)
        sk_loop_defer(r->loop, &call->task, go_on);
    else if (call->verdict == HANG || call->is_held || (call->is_stalling && call->at > 0))
        return;
    else if (r->bent.pace.ns > 0)
        sk_timer_start(r->loop, &call->timer, sk_instant_add(sk_loop_now(r->loop), r->bent.pace), on_timer);
    else
        sk_loop_defer(r->loop, &call->task, go_on);
}

static void send_chunk(struct sk_registry_blob *call)
{
    struct sk_registry *r = call->registry;
    int64_t left = (int64_t)call->thing->bytes.len - call->at;
    size_t most = call->is_stalling ? 1 : r->bent.chunk;
    size_t len = left < (int64_t)most ? (size_t)left : most;
    SK_AUTO_FREE uint8_t *bytes = sk_memdup(call->thing->bytes.data + call->at, len);

    if (call->is_lying && len > 0)
        bytes[len - 1] ^= 1;
    call->at += (int64_t)len;
    r->count.bytes += (int64_t)len;
    call->sink->take(call->sink, bytes, len);
}

static void go_on(struct sk_task *task)
{
    struct sk_registry_blob *call = sk_container_of(task, struct sk_registry_blob, task);
    int64_t breaks_at = call->registry->bent.breaks_at;

    if (call->is_cancelled) {
        finish(call, SK_CANCELLED, "cancelled");
    } else if (call->verdict == FAIL || call->verdict == FAIL_AFTER) {
        finish(call, SK_UNAVAILABLE, "not available");
    } else if (call->code != SK_OK) {
        finish(call, call->code, "refused");
    } else if (!call->thing) {
        finish(call, SK_NOT_FOUND, "not found");
    } else if (call->out) {
        send_manifest(call);
    } else if (breaks_at && call->at >= breaks_at) {
        finish(call, SK_UNAVAILABLE, "broke off");
    } else if (call->at < (int64_t)call->thing->bytes.len) {
        call->registry->count.sent_while_held |= call->is_held;
        send_chunk(call);
        schedule(call);
    } else {
        finish(call, call->at == call->size ? SK_OK : SK_DATA_LOSS, "not of that size");
    }
}

static void on_cancel(struct sk_done *done)
{
    struct sk_registry_blob *call = done->callee;

    call->is_cancelled = true;
    schedule(call);
}

static struct sk_registry_blob *begin(struct sk_registry *r, const struct sk_registry_ask *ask,
                                      const char *name, const char *key, struct sk_done *done)
{
    struct sk_registry_blob *call = sk_alloc(sizeof(*call));
    bool fails = r->bent.fails && (!r->bent.fails_only || strcmp(r->bent.fails_only, key) == 0);

    call->registry = r;
    call->done = done;
    call->verdict = r->bent.hook ? r->bent.hook(r->bent.arg, name) : OK;
    call->code = fails ? r->bent.fails : SK_OK;
    if (ask->skip >= r->bent.endpoints)
        call->code = SK_OUT_OF_RANGE; /* nobody is left to ask */
    call->is_lying = ask->skip < r->bent.liars;
    (void)snprintf(r->count.username, sizeof(r->count.username), "%s",
                   ask->login ? ask->login->username : "");
    done->callee = call;
    done->cancel = on_cancel;
    r->under_way++;
    return call;
}

void sk_registry_manifest(struct sk_registry *registry, const struct sk_registry_ask *ask,
                          struct sk_registry_manifest *out, struct sk_done *done)
{
    const char *key = *ask->reference->digest ? ask->reference->digest : ask->reference->tag;
    struct sk_registry_blob *call = begin(registry, ask, "registry.manifest", key, done);

    registry->count.manifests++;
    call->out = out;
    call->thing = find(&registry->manifests, key);
    schedule(call);
}

struct sk_registry_blob *sk_registry_blob(struct sk_registry *registry, const struct sk_registry_ask *ask,
                                          const char *digest, int64_t size, int64_t from,
                                          struct sk_registry_sink *sink, unsigned *out_endpoint,
                                          struct sk_done *done)
{
    struct sk_registry_blob *call = begin(registry, ask, "registry.blob", digest, done);

    registry->count.blobs++;
    registry->count.last_from = from;
    call->thing = find(&registry->blobs, digest);
    call->sink = sink;
    call->at = from;
    call->size = size;
    call->is_stalling = registry->bent.stalls && strcmp(registry->bent.stalls, ask->reference->registry) == 0;
    if (out_endpoint)
        *out_endpoint = ask->skip;
    schedule(call);
    return call;
}

void sk_registry_pause(struct sk_registry_blob *blob)
{
    blob->registry->count.pauses++;
    blob->is_held = true;
    sk_loop_undefer(&blob->task);
    sk_timer_stop(blob->registry->loop, &blob->timer);
}

void sk_registry_resume(struct sk_registry_blob *blob)
{
    blob->is_held = false;
    schedule(blob);
}
