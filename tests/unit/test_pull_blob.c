/* The ways of single blobs: shared, broken off, resumed, held back, lied about. */
#include "drivers/images/fetch.h"
#include "support/images_rig.h"

#define MIB ((size_t)1 << 20)

/* A layer of that many bytes, the caller's. */
static char *big(size_t len, char fill)
{
    char *text = sk_alloc(len + 1);
    memset(text, fill, len);
    return text;
}

static void pull_ok(struct rig *r, const char *name)
{
    struct rig_call call;
    assert_int_equal(rig_pull_now(r, &call, name), SK_OK);
    assert_int_equal(call.progress.done_bytes, call.progress.total_bytes);
    sk_image_free(call.image);
}

static void test_two_pulls_fetch_a_blob_once(void **state)
{
    struct rig r;
    struct rig_call first, second;
    struct rig_image one = {.tag = "1", .layers = {"shared", "more of it", "one", NULL}};
    struct rig_image two = {.tag = "2", .layers = {"shared", "more of it", "two", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &one);
    rig_publish(&r, &two);
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(10);
    rig_pull(&r, &first, "registry.test/app:1");
    rig_pull(&r, &second, "registry.test/app:2");
    sk_vloop_advance(r.loop, SK_SEC(10));
    assert_int_equal(first.err.code, SK_OK);
    assert_int_equal(second.err.code, SK_OK);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 2 + 2 + 2); /* configs, own, shared */
    assert_int_equal(first.progress.done_bytes, first.progress.total_bytes);
    assert_int_equal(second.progress.done_bytes, second.progress.total_bytes);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    sk_image_free(first.image);
    sk_image_free(second.image);
    rig_remove(&r, "registry.test/app:1"); /* nothing of the other's goes with it */
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(0);
    assert_int_equal(rig_find(&r, &first, "registry.test/app:2"), SK_OK);
    sk_image_free(first.image);
    assert_int_equal(rig_count(&r, SK_FAKE_BLOB), 5);
    rig_remove(&r, "registry.test/app:2");
    rig_assert_empty(&r);
    rig_image_fini(&one);
    rig_image_fini(&two);
    rig_fini(&r);
}

static size_t litter_of(struct rig *r, struct sk_litter_list *out)
{
    struct rig_call call;

    r->base->ops->list_litter(r->base, out, rig_call_init(&call));
    sk_vloop_settle(r->loop);
    assert_int_equal(call.err.code, SK_OK);
    return out->len;
}

/* As the sweeper does. */
static void remove_litter_of(struct rig *r)
{
    struct sk_litter_list found;
    struct rig_call call;

    (void)litter_of(r, &found);
    for (size_t i = 0; i < found.len; i++) {
        r->base->ops->remove_litter(r->base, &found.items[i], rig_call_init(&call));
        sk_vloop_settle(r->loop);
        assert_int_equal(call.err.code, SK_OK);
    }
    free(found.items);
}

/* The one that started the shared fetch leaves at any moment, by cancel or because its own image is refused.
 */
static void leave_at(int ms, bool by_cancel)
{
    struct rig r;
    struct rig_call first, second;
    SK_AUTO_FREE char *shared = big(300 * 1024, 's');
    struct rig_image one = {.tag = "1", .layers = {shared, "one", NULL}};
    struct rig_image two = {.tag = "2", .layers = {shared, "two", NULL}};

    rig_init(&r);
    rig_publish(&r, &one);
    rig_publish(&r, &two);
    struct sk_fake_registry_bent *bent = sk_fake_registry_bend(r.registry);
    bent->pace = SK_MSEC(10);
    if (!by_cancel) {
        bent->fails = SK_PERMISSION_DENIED;
        bent->fails_only = one.layer_digests[1];
    }
    rig_pull(&r, &first, "registry.test/app:1");
    rig_pull(&r, &second, "registry.test/app:2");
    sk_vloop_advance(r.loop, SK_MSEC(ms));
    if (by_cancel)
        sk_done_cancel(&first.done);
    sk_vloop_advance(r.loop, SK_SEC(10));
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 1);
    assert_int_equal(second.err.code, SK_OK);
    if (!by_cancel)
        assert_int_equal(first.err.code, SK_PERMISSION_DENIED);
    sk_vloop_advance(r.loop, SK_SEC(3601));
    remove_litter_of(&r);
    sk_image_free(first.image);
    sk_image_free(second.image);
    bent->pace = SK_MSEC(0);
    assert_int_equal(rig_find(&r, &second, "registry.test/app:2"), SK_OK);
    sk_image_free(second.image);
    rig_remove(&r, "registry.test/app:1");
    rig_remove(&r, "registry.test/app:2");
    rig_assert_empty(&r);
    rig_image_fini(&one);
    rig_image_fini(&two);
    rig_fini(&r);
}

static void test_one_leaves_and_the_other_goes_on(void **state)
{
    (void)state;
    for (int ms = 0; ms < 120; ms += 5)
        leave_at(ms, true);
    leave_at(0, false);
}

static void test_what_fails_for_one_need_not_fail_for_another(void **state)
{
    struct rig r;
    struct rig_call first, second;
    struct rig_image image = {.tag = "1", .layers = {"shared", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_fake_registry_bent *bent = sk_fake_registry_bend(r.registry);
    bent->pace = SK_MSEC(10);
    bent->fails_only = image.layer_digests[0];
    bent->fails = SK_PERMISSION_DENIED;
    rig_pull(&r, &first, "registry.test/app:1");
    rig_pull(&r, &second, "other.test/app:1");
    while (sk_fake_registry_counts(r.registry)->blobs < 2) /* the first's layer is asked for */
        sk_vloop_advance(r.loop, SK_MSEC(1));
    bent->fails = SK_OK;
    sk_vloop_advance(r.loop, SK_SEC(5));
    assert_int_equal(first.err.code, SK_PERMISSION_DENIED);
    assert_int_equal(second.err.code, SK_OK);
    sk_image_free(second.image);
    rig_remove(&r, "other.test/app:1");
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* A registry that gives nothing holds up its own images, not those of others that share a layer. */
static void test_a_slow_registry_is_gone_round(void **state)
{
    struct rig r;
    struct rig_call first, second;
    SK_AUTO_FREE char *shared = big(300 * 1024, 's');
    struct rig_image image = {.tag = "1", .layers = {shared, "two", "three", "four", "five", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_fake_registry_bent *bent = sk_fake_registry_bend(r.registry);
    bent->stalls = "slow.test";
    rig_pull(&r, &first, "slow.test/app:1");
    sk_vloop_advance(r.loop, SK_SEC(5));
    rig_pull(&r, &second, "registry.test/app:1");
    sk_vloop_advance(r.loop, SK_SEC(19));
    assert_int_equal(second.answers, 0);
    sk_vloop_advance(r.loop, SK_SEC(2));
    assert_int_equal(second.err.code, SK_OK);
    assert_int_equal(first.err.code, SK_OK); /* on the other's back */
    assert_int_equal(second.progress.done_bytes, second.progress.total_bytes);
    sk_image_free(first.image);
    sk_image_free(second.image);
    rig_remove(&r, "slow.test/app:1");
    rig_remove(&r, "registry.test/app:1");
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_broke_off_is_resumed(void **state)
{
    struct rig r;
    struct rig_call call;
    SK_AUTO_FREE char *layer = big(4 * MIB, 'r');
    struct rig_image image = {.tag = "1", .layers = {layer, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->breaks_at = 3 * MIB;
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_UNAVAILABLE);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 1);
    assert_int_equal(rig_count(&r, SK_FAKE_WRITE), 1);
    assert_int_equal(rig_count(&r, SK_FAKE_SNAPSHOT), 0);
    sk_fake_registry_bend(r.registry)->breaks_at = 0;
    pull_ok(&r, RIG_NAME);
    assert_true(sk_fake_registry_counts(r.registry)->last_from >= (int64_t)(2 * MIB));
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    rig_remove(&r, RIG_NAME);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_cancelled_pull_is_resumed_within_the_hour(void **state)
{
    struct rig r;
    struct rig_call call;
    SK_AUTO_FREE char *layer = big(4 * MIB, 'c');
    struct rig_image image = {.tag = "1", .layers = {layer, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(10);
    rig_pull(&r, &call, RIG_NAME);
    sk_vloop_advance(r.loop, SK_MSEC(450));
    assert_int_equal(call.progress.phase, SK_IMAGE_DOWNLOADING);
    assert_true(call.progress.done_bytes >= (int64_t)(2 * MIB));
    sk_done_cancel(&call.done);
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_CANCELLED);
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(0);
    pull_ok(&r, RIG_NAME);
    assert_true(sk_fake_registry_counts(r.registry)->last_from >= (int64_t)(2 * MIB));
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_what_nobody_goes_on_with_is_litter_after_the_hour(void **state)
{
    struct rig r;
    struct rig_call call;
    struct sk_litter_list found;
    SK_AUTO_FREE char *layer = big(4 * MIB, 'c');
    struct rig_image image = {.tag = "1", .layers = {"whole", layer, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(10);
    rig_pull(&r, &call, RIG_NAME);
    sk_vloop_advance(r.loop, SK_MSEC(450));
    sk_done_cancel(&call.done);
    sk_vloop_advance(r.loop, SK_SEC(3590));
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 1);
    assert_int_equal(rig_count(&r, SK_FAKE_WRITE), 1);
    assert_int_equal(litter_of(&r, &found), 0);
    free(found.items);
    sk_vloop_advance(r.loop, SK_SEC(20));
    assert_int_equal(litter_of(&r, &found), 2);
    free(found.items);
    remove_litter_of(&r);
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_a_rate_limit_keeps_what_came(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = {"first", "second", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->fails = SK_RESOURCE_EXHAUSTED;
    sk_fake_registry_bend(r.registry)->fails_only = image.layer_digests[1];
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 1);
    assert_non_null(sk_fake_content_find(r.content, SK_FAKE_BLOB, image.config));
    sk_fake_registry_bend(r.registry)->fails = SK_OK;
    pull_ok(&r, RIG_NAME);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* A daemon that was killed in the middle of a manifest. */
static void test_a_kept_piece_of_a_document_is_gone_on_with(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = {"first", NULL}};
    struct sk_blob_writer *writer = NULL;

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_content *content = sk_fake_content_base(r.content);
    struct sk_blob_ask ask = {"earlier", image.target, (int64_t)image.target_size};
    content->ops->hold(content, "earlier", rig_call_init(&call));
    sk_vloop_settle(r.loop);
    content->ops->open_blob(content, &ask, &writer, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    content->ops->write(writer, (const uint8_t *)image.target_text, 10, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    content->ops->close(writer, true);
    pull_ok(&r, RIG_NAME);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* --- lies ------------------------------------------------------------------------------------- */

static void test_the_next_endpoint_is_asked(void **state)
{
    struct rig r;
    SK_AUTO_FREE char *layer = big(2 * MIB, 'l');
    struct rig_image image = {.tag = "1", .layers = {layer, "small", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->endpoints = 3;
    sk_fake_registry_bend(r.registry)->liars = 2;
    pull_ok(&r, RIG_NAME);
    assert_int_equal(sk_fake_registry_counts(r.registry)->blobs, 3 * 3);
    rig_image_fini(&image);
    rig_fini(&r);
}

static void test_when_all_lie_nothing_stays(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = {"one", "two", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->endpoints = 2;
    sk_fake_registry_bend(r.registry)->liars = 2;
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_DATA_LOSS);
    assert_non_null(strstr(call.err.text, "registry.test sent wrong bytes: "));
    rig_assert_empty(&r);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* What was kept came from somebody who lied, and who now sends the rest: it is fetched anew. */
static void test_kept_bytes_that_were_wrong(void **state)
{
    struct rig r;
    struct rig_call call;
    SK_AUTO_FREE char *layer = big(4 * MIB, 'k');
    struct rig_image image = {.tag = "1", .layers = {layer, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    struct sk_fake_registry_bent *bent = sk_fake_registry_bend(r.registry);
    bent->liars = 1;
    bent->breaks_at = 3 * MIB;
    bent->fails_only = image.layer_digests[0];
    bent->endpoints = 2;
    sk_fake_content_add_blob(r.content, image.config_text, strlen(image.config_text), image.config);
    assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_UNAVAILABLE);
    bent->liars = 0;
    bent->breaks_at = 0;
    bent->endpoints = 1;
    pull_ok(&r, RIG_NAME);
    assert_int_equal(sk_fake_registry_counts(r.registry)->last_from, 0);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* --- progress ---------------------------------------------------------------------------------- */

/* Told as it comes, not as it is written; never backwards, though an endpoint lies and all comes again. */
static void test_progress_is_smooth(void **state)
{
    struct rig r;
    struct rig_call call;
    SK_AUTO_FREE char *layer = big(MIB, 'p');
    struct rig_image image = {.tag = "1", .layers = {layer, NULL}};
    int64_t seen = 0;
    unsigned steps = 0;

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_registry_bend(r.registry)->endpoints = 2;
    sk_fake_registry_bend(r.registry)->liars = 1;
    sk_fake_registry_bend(r.registry)->pace = SK_MSEC(10);
    rig_pull(&r, &call, RIG_NAME);
    for (int i = 0; i < 1000 && !call.answers; i++) {
        sk_vloop_advance(r.loop, SK_MSEC(10));
        assert_true(call.progress.done_bytes >= seen);
        assert_true(call.progress.done_bytes <= call.progress.total_bytes);
        steps += call.progress.done_bytes > seen;
        seen = call.progress.done_bytes;
    }
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(seen, call.progress.total_bytes);
    assert_true(steps >= MIB / (64 * 1024));
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

/* --- back-pressure ----------------------------------------------------------------------------- */

static int64_t stored(const struct rig *r, const char *digest)
{
    const struct sk_fake_thing *write = sk_fake_content_find(r->content, SK_FAKE_WRITE, digest);
    return write ? (int64_t)write->bytes.len : 0;
}

/* A store that takes its time: the registry is held, and never sends meanwhile. */
static void test_a_slow_store_holds_the_registry(void **state)
{
    struct rig r;
    struct rig_call call;
    SK_AUTO_FREE char *layer = big(8 * MIB, 's');
    struct rig_image image = {.tag = "1", .layers = {layer, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_content_calls(r.content)->latency = SK_MSEC(1000);
    rig_pull(&r, &call, RIG_NAME);
    int64_t ahead = 0;
    for (int i = 0; i < 200 && !call.answers; i++) {
        sk_vloop_advance(r.loop, SK_MSEC(250));
        int64_t sent = sk_fake_registry_counts(r.registry)->bytes - stored(&r, image.layer_digests[0]);
        bool is_coming = stored(&r, image.layer_digests[0]) > 0;
        ahead = is_coming && sent > ahead ? sent : ahead;
    }
    assert_true(ahead > 0);
    assert_int_equal(call.err.code, SK_OK);
    assert_true(sk_fake_registry_counts(r.registry)->pauses >= 3);
    assert_true(ahead <= (int64_t)(2 * SK_FETCH_HIGH + 128 * 1024)); /* one on its way, one waiting */
    sk_image_free(call.image);
    sk_fake_content_calls(r.content)->latency = SK_MSEC(0);
    sk_vloop_advance(r.loop, SK_SEC(5));
    rig_image_fini(&image);
    rig_fini(&r);
}

/* --- the order of things --------------------------------------------------------------------------- */

struct order {
    char unpacks[8];
    unsigned unpacked, fetched, fetched_at_first_unpack;
};

static int watch_store(void *arg, const char *call)
{
    struct order *o = arg;
    if (strcmp(call, "content.commit") == 0)
        o->fetched++;
    if (strcmp(call, "content.unpack") == 0 && o->unpacked++ == 0)
        o->fetched_at_first_unpack = o->fetched;
    return SK_FAKE_OK;
}

static void test_unpacking_begins_before_all_has_come(void **state)
{
    struct rig r;
    struct order order = {0};
    SK_AUTO_FREE char *top = big(2 * MIB, 't');
    struct rig_image image = {.tag = "1", .layers = {"bottom", "middle", top, NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_content_calls(r.content)->hook = watch_store;
    sk_fake_content_calls(r.content)->arg = &order;
    pull_ok(&r, RIG_NAME);
    assert_int_equal(order.unpacked, 3);
    assert_int_equal(order.fetched, 5); /* manifest, config, layers */
    assert_true(order.fetched_at_first_unpack < 5);
    sk_fake_content_calls(r.content)->hook = NULL;
    rig_image_fini(&image);
    rig_fini(&r);
}

/* The driver is closed while what a cancelled pull has set going still ends. */
static void test_closing_waits_for_what_goes_on(void **state)
{
    struct rig r;
    struct rig_call call, closed;
    struct rig_image image = {.tag = "1", .layers = {"one", NULL}};

    (void)state;
    rig_init(&r);
    rig_publish(&r, &image);
    sk_fake_content_calls(r.content)->latency = SK_MSEC(100);
    rig_pull(&r, &call, RIG_NAME);
    while (!call.answers)
        sk_vloop_advance(r.loop, SK_MSEC(10));
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 1);
    sk_images_driver_close(sk_take(r.driver), rig_call_init(&closed));
    sk_vloop_settle(r.loop);
    assert_int_equal(closed.answers, 0);
    sk_vloop_advance(r.loop, SK_SEC(1));
    assert_int_equal(closed.answers, 1);
    assert_int_equal(rig_count(&r, SK_FAKE_LEASE), 0);
    sk_image_free(call.image);
    rig_image_fini(&image);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_pulls_fetch_a_blob_once),
        cmocka_unit_test(test_one_leaves_and_the_other_goes_on),
        cmocka_unit_test(test_what_fails_for_one_need_not_fail_for_another),
        cmocka_unit_test(test_a_slow_registry_is_gone_round),
        cmocka_unit_test(test_what_broke_off_is_resumed),
        cmocka_unit_test(test_a_cancelled_pull_is_resumed_within_the_hour),
        cmocka_unit_test(test_what_nobody_goes_on_with_is_litter_after_the_hour),
        cmocka_unit_test(test_a_rate_limit_keeps_what_came),
        cmocka_unit_test(test_a_kept_piece_of_a_document_is_gone_on_with),
        cmocka_unit_test(test_the_next_endpoint_is_asked),
        cmocka_unit_test(test_when_all_lie_nothing_stays),
        cmocka_unit_test(test_kept_bytes_that_were_wrong),
        cmocka_unit_test(test_progress_is_smooth),
        cmocka_unit_test(test_a_slow_store_holds_the_registry),
        cmocka_unit_test(test_unpacking_begins_before_all_has_come),
        cmocka_unit_test(test_closing_waits_for_what_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
