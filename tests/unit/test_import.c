/* An image that is brought blob by blob. */
#include "support/images_rig.h"
#include "support/sweep.h"

#define TWO                                                                                                  \
    {                                                                                                        \
        "lower", "upper", NULL                                                                               \
    }

static struct sk_image_import *open_import(struct rig *r, int64_t max_bytes)
{
    struct sk_image_import *import = NULL;
    struct rig_call call;

    r->base->ops->import_open(r->base, max_bytes, &import, rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.answers, 1);
    assert_int_equal(import != NULL, call.err.code == SK_OK);
    return import;
}

static enum sk_code announce(struct rig *r, struct sk_image_import *import, const char *digest, int64_t size,
                             bool *out_wanted)
{
    struct rig_call call;

    r->base->ops->import_blob(import, digest, size, out_wanted, rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.answers, 1);
    return call.err.code;
}

static enum sk_code write_bytes(struct rig *r, struct sk_image_import *import, const char *bytes)
{
    struct rig_call call;

    r->base->ops->import_write(import, (const uint8_t *)bytes, strlen(bytes), rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.answers, 1);
    return call.err.code;
}

static enum sk_code commit(struct rig *r, struct sk_image_import *import)
{
    struct rig_call call;

    r->base->ops->import_commit(import, rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.answers, 1);
    return call.err.code;
}

/* A blob from its announcement to its commit; what is not wanted is not sent. */
static enum sk_code bring(struct rig *r, struct sk_image_import *import, const char *bytes)
{
    char digest[SK_DIGEST_SIZE];
    bool wanted = false;

    sk_digest_of(bytes, strlen(bytes), digest);
    enum sk_code code = announce(r, import, digest, (int64_t)strlen(bytes), &wanted);
    if (code == SK_OK && wanted)
        code = write_bytes(r, import, bytes);
    return code == SK_OK && wanted ? commit(r, import) : code;
}

static struct sk_oci_descriptor target_of(const struct rig_image *image)
{
    struct sk_oci_descriptor target = {.size = (int64_t)image->target_size};
    memcpy(target.digest, image->target, sizeof(target.digest));
    return target;
}

static enum sk_code finish(struct rig *r, struct sk_image_import *import, const char *name,
                           const struct rig_image *image, struct rig_call *call)
{
    struct sk_oci_descriptor target = target_of(image);

    rig_call_init(call);
    r->base->ops->import_finish(import, name, &target, &call->progress, &call->image, &call->done);
    sk_vloop_settle(r->loop);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->image != NULL, call->err.code == SK_OK);
    if (call->err.code != SK_OK)
        print_message("  (%s: %s)\n", sk_code_name(call->err.code), call->err.text);
    return call->err.code;
}

static void close_import(struct rig *r, struct sk_image_import *import)
{
    r->base->ops->import_close(import);
    sk_vloop_settle(r->loop);
}

static void test_blobs_come_in_any_order(void **state)
{
    struct rig r;
    struct rig_call call, found;
    struct rig_image image = {.layers = TWO, .index_architecture = "amd64"};

    (void)state;
    rig_init(&r);
    rig_write(&image);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(bring(&r, import, image.layers[1]), SK_OK);
    assert_int_equal(bring(&r, import, image.config_text), SK_OK);
    assert_int_equal(bring(&r, import, image.target_text), SK_OK);
    assert_int_equal(bring(&r, import, image.layers[0]), SK_OK);
    assert_int_equal(bring(&r, import, image.manifest_text), SK_OK);
    assert_int_equal(finish(&r, import, RIG_NAME, &image, &call), SK_OK);
    assert_string_equal(call.image->digest, image.digest);
    assert_int_equal(call.progress.phase, SK_IMAGE_DONE);
    assert_int_equal(call.progress.done_bytes, call.progress.total_bytes);
    close_import(&r, import);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    assert_int_equal(rig_count(&r, SK_FAKE_BLOB), 5);
    assert_int_equal(rig_find(&r, &found, RIG_NAME), SK_OK);
    assert_string_equal(found.image->snapshot_parent, call.image->snapshot_parent);
    sk_image_free(found.image);
    sk_image_free(call.image);
    rig_remove(&r, RIG_NAME);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_is_here_need_not_come(void **state)
{
    struct rig r;
    struct rig_call call;
    bool wanted = true;
    struct rig_image image = {.tag = "1", .layers = TWO};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(announce(&r, import, image.layer_digests[0], (int64_t)strlen(image.layers[0]), &wanted),
                     SK_OK);
    assert_false(wanted);
    assert_int_equal(announce(&r, import, image.layer_digests[0], 99, &wanted), SK_INVALID_ARGUMENT);
    assert_int_equal(finish(&r, import, "registry.test/again:1", &image, &call), SK_OK);
    sk_image_free(call.image);
    close_import(&r, import);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_has_not_come_is_missed(void **state)
{
    (void)state;
    for (int left_out = 0; left_out < 4; left_out++) {
        struct rig r;
        struct rig_call call;
        struct rig_image image = {.layers = TWO};
        rig_init(&r);
        rig_write(&image);
        const char *const parts[] = {image.manifest_text, image.config_text, image.layers[0],
                                     image.layers[1]};
        struct sk_image_import *import = open_import(&r, 1 << 20);
        for (int i = 0; i < 4; i++)
            if (i != left_out)
                assert_int_equal(bring(&r, import, parts[i]), SK_OK);
        assert_int_equal(finish(&r, import, RIG_NAME, &image, &call), SK_FAILED_PRECONDITION);
        assert_non_null(strstr(call.err.text, "has not come"));
        close_import(&r, import);
        rig_assert_empty(&r);
        rig_image_fini(&image);
        rig_fini(&r);
    }
}

static void test_what_is_refused(void **state)
{
    struct rig r;
    struct rig_call call;
    bool wanted;
    char digest[SK_DIGEST_SIZE];
    struct rig_image image = {.layers = TWO};

    (void)state;
    rig_init(&r);
    rig_write(&image);
    sk_digest_of("right", 5, digest);
    struct sk_image_import *import = open_import(&r, 1000);
    assert_int_equal(announce(&r, import, "sha256:12", 1, &wanted), SK_INVALID_ARGUMENT);
    assert_int_equal(announce(&r, import, digest, -1, &wanted), SK_INVALID_ARGUMENT);
    assert_int_equal(announce(&r, import, digest, 1001, &wanted), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(write_bytes(&r, import, "x"), SK_FAILED_PRECONDITION);
    assert_int_equal(commit(&r, import), SK_FAILED_PRECONDITION);
    assert_int_equal(announce(&r, import, digest, 5, &wanted), SK_OK);
    assert_true(wanted);
    assert_int_equal(announce(&r, import, image.config, 5, &wanted),
                     SK_FAILED_PRECONDITION); /* one at a time */
    assert_int_equal(write_bytes(&r, import, "wrong"), SK_OK);
    assert_int_equal(commit(&r, import), SK_DATA_LOSS);
    assert_int_equal(announce(&r, import, digest, 5, &wanted), SK_OK);
    assert_int_equal(write_bytes(&r, import, "too long"), SK_FAILED_PRECONDITION);
    assert_int_equal(announce(&r, import, digest, INT64_MAX, &wanted), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(finish(&r, import, "NO NAME", &image, &call), SK_INVALID_ARGUMENT);
    SK_AUTO_FREE char *pinned = sk_printf("registry.test/app@%s", digest);
    assert_int_equal(finish(&r, import, pinned, &image, &call), SK_INVALID_ARGUMENT);
    close_import(&r, import);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* A pull that wants what an import brings waits for it, and fetches it when the import goes or falls asleep.
 */
static void pull_beside(bool sleeps)
{
    struct rig r;
    struct rig_call call;
    bool wanted = false;
    struct rig_image image = {.tag = "1", .layers = TWO};

    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(announce(&r, import, image.layer_digests[0], (int64_t)strlen(image.layers[0]), &wanted),
                     SK_OK);
    assert_true(wanted);
    rig_pull(&r, &call, RIG_NAME);
    sk_vloop_advance(r.loop, SK_SEC(5));
    assert_int_equal(call.answers, 0);
    if (sleeps)
        sk_vloop_advance(r.loop, SK_SEC(60));
    else
        close_import(&r, sk_take(import));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.answers, 1);
    assert_int_equal(call.err.code, SK_OK);
    sk_image_free(call.image);
    if (import) {
        assert_int_equal(write_bytes(&r, import, "low"), SK_FAILED_PRECONDITION);
        close_import(&r, import);
    }
    rig_remove(&r, RIG_NAME);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_pull_beside_an_import(void **state)
{
    (void)state;
    pull_beside(false);
    pull_beside(true);
}

/* Who knows no more of a private image than its digest gets no other name for it that all may use. */
static void test_a_private_image_stays_private(void **state)
{
    struct rig r;
    struct rig_call call, stolen, again;
    struct rig_image image = {.tag = "1", .layers = TWO, .index_architecture = "amd64"};
    struct rig_image child;
    struct sk_image_pull pull = {
        .name = RIG_NAME, .puller = "ann's", .max_bytes = 1 << 30, .progress = &call.progress};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    rig_call_init(&call);
    r.base->ops->pull(r.base, &pull, &call.image, &call.done);
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    child = image; /* by the manifest below the index as well */
    memcpy(child.target, image.digest, sizeof(child.target));
    child.target_size = strlen(image.manifest_text);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(finish(&r, import, "mine.test/app:1", &image, &stolen), SK_OK);
    assert_string_equal(stolen.image->puller, "ann's");
    close_import(&r, import);
    import = open_import(&r, 1 << 20);
    assert_int_equal(finish(&r, import, "mine.test/app:2", &child, &again), SK_OK);
    assert_string_equal(again.image->puller, "ann's");
    close_import(&r, import);
    sk_image_free(call.image);
    sk_image_free(stolen.image);
    sk_image_free(again.image);
    rig_remove(&r, RIG_NAME);
    rig_remove(&r, "mine.test/app:1");
    rig_remove(&r, "mine.test/app:2");
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* Pulls wait for the blob: one byte now and then does not keep it. */
static void test_an_import_that_hardly_goes_on(void **state)
{
    struct rig r;
    char digest[SK_DIGEST_SIZE];
    bool wanted = false;
    enum sk_code code = SK_OK;
    int writes = 0;

    (void)state;
    rig_init(&r);
    sk_digest_of("never sent", 10, digest);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(announce(&r, import, digest, 1000, &wanted), SK_OK);
    assert_true(wanted);
    for (; code == SK_OK && writes < 100; writes++) {
        sk_vloop_advance(r.loop, SK_SEC(5));
        code = write_bytes(&r, import, "x");
    }
    assert_int_equal(code, SK_FAILED_PRECONDITION);
    assert_in_range(writes, 11, 14);
    close_import(&r, import);
    rig_assert_empty(&r);
    rig_fini(&r);
}

static void test_an_import_beside_a_pull(void **state)
{
    struct rig r;
    struct rig_call call, announced;
    bool wanted = true;
    struct rig_image image = {.tag = "1", .layers = TWO};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(100);
    rig_pull(&r, &call, RIG_NAME);
    while (sk_fake_registry_counts(r.registry)->blobs < 3)
        sk_vloop_advance(r.loop, SK_MSEC(10));
    r.base->ops->import_blob(import, image.layer_digests[1], (int64_t)strlen(image.layers[1]), &wanted,
                             rig_call_init(&announced));
    sk_vloop_settle(r.loop);
    assert_int_equal(announced.answers, 0);
    sk_vloop_advance(r.loop, SK_SEC(5));
    assert_int_equal(announced.answers, 1);
    assert_int_equal(announced.err.code, SK_OK);
    assert_false(wanted);
    assert_int_equal(call.err.code, SK_OK);
    sk_image_free(call.image);
    close_import(&r, import);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* Closed at any turn of the loop: nobody is called back, and nothing stays. */
static void close_after(unsigned turns)
{
    struct rig r;
    struct rig_call *call = sk_alloc(sizeof(*call)); /* is gone when the import is closed */
    struct rig_image image = {.layers = TWO};

    rig_init(&r);
    rig_write(&image);
    struct sk_image_import *import = open_import(&r, 1 << 20);
    assert_int_equal(bring(&r, import, image.manifest_text), SK_OK);
    assert_int_equal(bring(&r, import, image.config_text), SK_OK);
    assert_int_equal(bring(&r, import, image.layers[0]), SK_OK);
    assert_int_equal(bring(&r, import, image.layers[1]), SK_OK);
    struct sk_oci_descriptor target = target_of(&image);
    r.base->ops->import_finish(import, RIG_NAME, &target, &call->progress, &call->image, rig_call_init(call));
    while (turns-- > 0)
        (void)sk_vloop_turn(r.loop);
    r.base->ops->import_close(import);
    bool answered = call->answers > 0;
    sk_image_free(call->image);
    free(call);
    sk_vloop_settle(r.loop);
    if (!answered && rig_count(&r, SK_FAKE_IMAGE) == 0)
        rig_assert_empty(&r);
    rig_remove(&r, RIG_NAME);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_closing_at_any_time(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 60; turns++)
        close_after(turns);
}

/* --- whatever goes wrong ------------------------------------------------------------------------ */

struct swept {
    struct rig rig;
    struct rig_call call;
    bool is_waiting;
};

static void cancel_call(void *arg)
{
    struct swept *s = arg;
    if (s->is_waiting && !s->call.answers)
        sk_done_cancel(&s->call.done);
}

/* Waits for the call; one that hangs is cancelled. */
static enum sk_code await(struct swept *s)
{
    s->is_waiting = true;
    sk_vloop_advance(s->rig.loop, SK_SEC(15));
    cancel_call(s);
    sk_vloop_advance(s->rig.loop, SK_SEC(15));
    s->is_waiting = false;
    assert_int_equal(s->call.answers, 1);
    return s->call.err.code;
}

static enum sk_code sweep_blob(struct swept *s, struct sk_image_import *import, const char *bytes)
{
    char digest[SK_DIGEST_SIZE];
    bool wanted = false;
    const struct sk_image_ops *ops = s->rig.base->ops;

    sk_digest_of(bytes, strlen(bytes), digest);
    ops->import_blob(import, digest, (int64_t)strlen(bytes), &wanted, rig_call_init(&s->call));
    if (await(s) != SK_OK || !wanted)
        return s->call.err.code;
    ops->import_write(import, (const uint8_t *)bytes, strlen(bytes), rig_call_init(&s->call));
    if (await(s) != SK_OK)
        return s->call.err.code;
    ops->import_commit(import, rig_call_init(&s->call));
    return await(s);
}

static enum sk_code sweep_import(struct swept *s, struct sk_image_import *import,
                                 const struct rig_image *image)
{
    const char *const parts[] = {image->layers[0], image->layers[1], image->config_text,
                                 image->manifest_text};
    struct sk_oci_descriptor target = target_of(image);

    for (size_t i = 0; i < sk_array_len(parts); i++)
        if (sweep_blob(s, import, parts[i]) != SK_OK)
            return s->call.err.code;
    rig_call_init(&s->call);
    s->rig.base->ops->import_finish(import, RIG_NAME, &target, &s->call.progress, &s->call.image,
                                    &s->call.done);
    (void)await(s);
    sk_image_free(s->call.image);
    return s->call.err.code;
}

static void import_once(struct sk_sweep *sweep, void *arg)
{
    struct swept s = {0};
    struct sk_image_import *import = NULL;
    struct rig_image image = {.layers = TWO};
    enum sk_code code;

    (void)arg;
    rig_init(&s.rig);
    rig_write(&image);
    struct sk_fake_calls *calls = sk_fake_content_calls(s.rig.content);
    calls->hook = sk_sweep_hook;
    calls->arg = sweep;
    sk_sweep_on_cancel(sweep, s.rig.loop, cancel_call, &s);
    s.rig.base->ops->import_open(s.rig.base, 1 << 20, &import, rig_call_init(&s.call));
    code = await(&s);
    if (code == SK_OK)
        code = sweep_import(&s, import, &image);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(code, SK_OK);
    s.rig.base->ops->import_close(import);
    sk_vloop_advance(s.rig.loop, SK_SEC(60));
    if (code != SK_OK)
        assert_true(rig_count(&s.rig, SK_FAKE_WRITE) == 0 || rig_count(&s.rig, SK_FAKE_LEASE) == 1);
    sk_sweep_pause(sweep, true);
    rig_remove(&s.rig, RIG_NAME);
    sk_vloop_advance(s.rig.loop, SK_SEC(3601));
    sk_fake_content_collect(s.rig.content);
    rig_assert_empty(&s.rig);
    rig_image_fini(&image);
    rig_fini(&s.rig);
}

static void test_failure_sweep(void **state)
{
    (void)state;
    sk_sweep_run(import_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blobs_come_in_any_order),
        cmocka_unit_test(test_what_is_here_need_not_come),
        cmocka_unit_test(test_what_has_not_come_is_missed),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_pull_beside_an_import),
        cmocka_unit_test(test_a_private_image_stays_private),
        cmocka_unit_test(test_an_import_that_hardly_goes_on),
        cmocka_unit_test(test_an_import_beside_a_pull),
        cmocka_unit_test(test_closing_at_any_time),
        cmocka_unit_test(test_failure_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
