/* content_write.c: blobs on their way into the fake image store. */
#include "drivers/fake/content_impl.h"

#include <string.h>

struct writer {
    struct sk_blob_writer base;
    struct sk_fake_content *fake;
    struct sk_arena arena;
    const char *lease, *digest;
    int64_t size;
};

static struct writer *writer_of(struct sk_blob_writer *base)
{
    return sk_container_of(base, struct writer, base);
}

/* The bytes so far; NULL once committed or thrown away. */
static struct sk_fake_thing *bytes_of(const struct writer *writer)
{
    return sk_fake_shelf_find(&writer->fake->shelf, SK_FAKE_WRITE, writer->digest);
}

static struct sk_blob_writer *make_writer(const struct sk_fake_ask *ask, struct sk_fake_thing *bytes)
{
    struct writer *writer = sk_alloc(sizeof(*writer));

    writer->base.content = &ask->fake->base;
    writer->base.offset = (int64_t)bytes->bytes.len;
    writer->fake = ask->fake;
    writer->lease = sk_arena_strdup(&writer->arena, ask->lease);
    writer->digest = sk_arena_strdup(&writer->arena, ask->key);
    writer->size = ask->number;
    ask->fake->writers++;
    return &writer->base;
}

static enum sk_code open_blob(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_shelf *shelf = &ask->fake->shelf;
    struct sk_fake_thing *blob = sk_fake_shelf_find(shelf, SK_FAKE_BLOB, ask->key);
    enum sk_code code = blob ? sk_fake_shelf_hold(shelf, blob, ask->lease, err) : SK_OK;

    if (code != SK_OK)
        return code;
    if (blob)
        return sk_fail(err, SK_ALREADY_EXISTS, "blob %s is there", ask->key);
    struct sk_fake_thing *bytes = sk_fake_shelf_put(shelf, SK_FAKE_WRITE, ask->key);
    if (bytes->is_used)
        return sk_fail(err, SK_UNAVAILABLE, "blob %s is being written", ask->key);
    bytes->bytes.ceiling = (size_t)ask->number;
    bytes->is_used = true;
    code = sk_fake_shelf_hold(shelf, bytes, ask->lease, err);
    if (code != SK_OK)
        sk_fake_shelf_remove(bytes);
    else
        *(struct sk_blob_writer **)call->out = make_writer(ask, bytes);
    return code;
}

void sk_fake_open_blob(struct sk_content *base, const struct sk_blob_ask *ask, struct sk_blob_writer **out,
                       struct sk_done *done)
{
    struct sk_fake_ask *made = sk_fake_ask_new(sk_fake_content_of(base), ask->lease, ask->digest);

    made->number = ask->size;
    sk_fake_ask_start(made, "content.open_blob",
                      &(struct sk_fake_call){.out = out, .asks = true, .effect = open_blob}, done);
}

static enum sk_code write_bytes(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    struct sk_fake_thing *bytes = bytes_of(writer_of(ask->writer));

    if (!bytes)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the write is over");
    if (sk_buf_append(&bytes->bytes, ask->data, ask->len) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "more bytes than were announced");
    ask->writer->offset = (int64_t)bytes->bytes.len;
    return SK_OK;
}

static struct sk_fake_ask *ask_of_writer(struct sk_blob_writer *base)
{
    struct sk_fake_ask *ask = sk_fake_ask_new(writer_of(base)->fake, NULL, NULL);

    ask->writer = base;
    return ask;
}

void sk_fake_write(struct sk_blob_writer *writer, const uint8_t *data, size_t len, struct sk_done *done)
{
    struct sk_fake_ask *ask = ask_of_writer(writer);

    ask->data = sk_arena_memdup(&ask->arena, data, len);
    ask->len = len;
    sk_fake_ask_start(ask, "content.write", &(struct sk_fake_call){.owner = writer, .effect = write_bytes},
                      done);
}

static enum sk_code commit(struct sk_fake_call *call, struct sk_err *err)
{
    const struct sk_fake_ask *ask = call->args;
    const struct writer *writer = writer_of(ask->writer);
    struct sk_fake_shelf *shelf = &ask->fake->shelf;
    struct sk_fake_thing *bytes = bytes_of(writer);
    char digest[SK_DIGEST_SIZE];

    if (!bytes)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the write is over");
    sk_digest_of(bytes->bytes.data, bytes->bytes.len, digest);
    if (strcmp(digest, writer->digest) != 0 || (int64_t)bytes->bytes.len != writer->size) {
        sk_fake_shelf_remove(bytes);
        return sk_fail(err, SK_DATA_LOSS, "what came is not %s", writer->digest);
    }
    struct sk_fake_thing *blob = sk_fake_shelf_put(shelf, SK_FAKE_BLOB, writer->digest);
    sk_buf_fini(&blob->bytes);
    blob->bytes = bytes->bytes;
    bytes->bytes = (struct sk_buf){0};
    sk_fake_shelf_remove(bytes);
    return sk_fake_shelf_hold(shelf, blob, writer->lease, err);
}

void sk_fake_commit_blob(struct sk_blob_writer *writer, struct sk_done *done)
{
    sk_fake_ask_start(ask_of_writer(writer), "content.commit",
                      &(struct sk_fake_call){.owner = writer, .effect = commit}, done);
}

void sk_fake_close(struct sk_blob_writer *writer_take, bool keep)
{
    if (!writer_take)
        return;
    struct writer *writer = writer_of(writer_take);
    struct sk_fake_thing *bytes = bytes_of(writer);
    bool done = sk_fake_allowed(&writer->fake->calls, "content.close");

    sk_fake_calls_forget(&writer->fake->calls, writer_take);
    if (bytes && (keep || !done))
        bytes->is_used = false;
    else
        sk_fake_shelf_remove(bytes);
    writer->fake->writers--;
    sk_arena_fini(&writer->arena);
    free(writer);
}
