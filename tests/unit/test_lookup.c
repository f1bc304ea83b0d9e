/* What a name stands for on this node, and how much lies behind it. */
#include "oci/image_config.h"
#include "support/images_rig.h"

static const char *const TWO[] = {"below", "above", NULL};

static struct rig_image pulled(struct rig *r)
{
    struct rig_call call;
    struct rig_image image = {.tag = "1", .layers = {TWO[0], TWO[1]}, .index_architecture = "amd64"};

    rig_init(r);
    rig_publish(r, &image);
    assert_int_equal(rig_pull_now(r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    /* A new driver has looked nothing up before. */
    rig_close_driver(r);
    r->driver = sk_images_driver_new(&(struct sk_images_options){
        .loop = r->loop,
        .content = sk_fake_content_base(r->content),
        .registry = r->registry,
        .machine = "x86_64",
        .layers_at_once = 1,
    });
    r->base = sk_images_driver_base(r->driver);
    return image;
}

static void over(struct rig *r, struct rig_image *image)
{
    rig_image_fini(image);
    rig_fini(r);
}

static size_t reads_of(struct rig *r)
{
    return sk_fake_content_calls(r->content)->made;
}

static void test_the_second_look_reads_less(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = pulled(&r);

    (void)state;
    size_t before = reads_of(&r);
    assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_OK);
    assert_string_equal(call.image->digest, image.digest);
    sk_image_free(call.image);
    size_t first = reads_of(&r) - before;
    assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_OK);
    sk_image_free(call.image);
    assert_int_equal(first, 5);
    assert_int_equal(reads_of(&r) - before - first, 2); /* the name, the snapshot */
    over(&r, &image);
}

static void break_store(struct rig *r, enum sk_fake_kind kind, const char *key)
{
    sk_fake_shelf_remove((struct sk_fake_thing *)sk_fake_content_find(r->content, kind, key));
}

static void test_what_is_not_all_here_is_not_found(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rig r;
        struct rig_call call;
        struct rig_image image = pulled(&r);
        char *diff_ids[] = {image.layer_digests[0], image.layer_digests[1], NULL};
        char chain[SK_DIGEST_SIZE];
        sk_chain_id(diff_ids, chain);
        const char *const blobs[] = {image.target, image.digest, image.config};
        if (i < 3)
            break_store(&r, SK_FAKE_BLOB, blobs[i]);
        else if (i == 3)
            break_store(&r, SK_FAKE_SNAPSHOT, chain);
        else
            break_store(&r, SK_FAKE_IMAGE, RIG_NAME);
        assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_NOT_FOUND);
        assert_non_null(strstr(call.err.text, RIG_NAME));
        assert_null(call.image);
        assert_int_equal(rig_pull_now(&r, &call, RIG_NAME), SK_OK); /* puts it right */
        sk_image_free(call.image);
        assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_OK);
        sk_image_free(call.image);
        over(&r, &image);
    }
}

static void test_a_known_image_may_lose_its_snapshot(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = pulled(&r);

    (void)state;
    assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_OK);
    break_store(&r, SK_FAKE_SNAPSHOT, call.image->snapshot_parent);
    sk_image_free(call.image);
    assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_NOT_FOUND);
    assert_non_null(strstr(call.err.text, "not unpacked"));
    over(&r, &image);
}

static void test_what_is_damaged_is_no_image(void **state)
{
    struct rig r;
    struct rig_call call;
    struct rig_image image = pulled(&r);
    struct sk_fake_thing *config =
        (struct sk_fake_thing *)sk_fake_content_find(r.content, SK_FAKE_BLOB, image.config);

    (void)state;
    config->bytes.data[config->bytes.len - 1] = ' ';
    assert_int_equal(rig_find(&r, &call, RIG_NAME), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(call.err.text, "damaged"));
    over(&r, &image);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void test_rows_tell_names_and_sizes(void **state)
{
    struct rig r;
    struct rig_call call;
    struct sk_image_rows rows = {0};
    struct rig_image image = pulled(&r);

    (void)state;
    r.base->ops->list(r.base, &rows, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(rows.len, 1);
    assert_string_equal(rows.items[0].name, RIG_NAME);
    assert_string_equal(rows.items[0].digest, image.target);
    assert_int_equal(rows.items[0].bytes, strlen(TWO[0]) + strlen(TWO[1]));
    sk_image_rows_fini(&rows);
    break_store(&r, SK_FAKE_BLOB, image.config); /* cached: still measured; the name stays in any case */
    r.base->ops->inspect(r.base, RIG_NAME, &rows, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(rows.len, 1);
    sk_image_rows_fini(&rows);
    r.base->ops->inspect(r.base, "registry.test/none:1", &rows, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_NOT_FOUND);
    assert_non_null(strstr(call.err.text, "registry.test/none:1"));
    over(&r, &image);
}

static void test_a_name_with_nothing_behind_it_is_a_row(void **state)
{
    struct rig r;
    struct rig_call call;
    struct sk_image_rows rows = {0};
    struct rig_image image = pulled(&r);

    (void)state;
    break_store(&r, SK_FAKE_BLOB, image.target);
    r.base->ops->list(r.base, &rows, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(call.err.code, SK_OK);
    assert_int_equal(rows.len, 1);
    assert_int_equal(rows.items[0].bytes, 0);
    sk_image_rows_fini(&rows);
    over(&r, &image);
}

static void test_a_touch_is_told(void **state)
{
    struct rig r;
    struct rig_call call;
    struct sk_image_rows rows = {0};
    struct sk_disk_room disk = {0};
    struct rig_image image = pulled(&r);

    (void)state;
    r.base->ops->touch(r.base, RIG_NAME, 1234, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    r.base->ops->inspect(r.base, RIG_NAME, &rows, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(rows.items[0].used_s, 1234);
    sk_image_rows_fini(&rows);
    sk_fake_content_set_disk(r.content, 100, 40);
    r.base->ops->disk(r.base, &disk, rig_call_init(&call));
    sk_vloop_settle(r.loop);
    assert_int_equal(disk.total_bytes, 100);
    assert_int_equal(disk.free_bytes, 40);
    over(&r, &image);
}

/* Hung calls are given up when asked to, whatever they wait for. */
static int hang(void *arg, const char *call)
{
    return strcmp(call, arg) == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

static void test_cancelling_a_hung_look(void **state)
{
    static const char *const calls[] = {"content.find_image", "content.read_blob", "content.find_snapshot",
                                        "content.measure"};

    (void)state;
    for (size_t i = 0; i < sk_array_len(calls); i++) {
        struct rig r;
        struct rig_call call;
        struct sk_image_rows rows = {0};
        struct rig_image image = pulled(&r);
        sk_fake_content_calls(r.content)->hook = hang;
        sk_fake_content_calls(r.content)->arg = (void *)calls[i];
        r.base->ops->inspect(r.base, RIG_NAME, &rows, rig_call_init(&call));
        sk_vloop_settle(r.loop);
        assert_int_equal(call.answers, 0);
        sk_done_cancel(&call.done);
        sk_vloop_settle(r.loop);
        assert_int_equal(call.answers, 1);
        assert_int_equal(call.err.code, SK_CANCELLED);
        over(&r, &image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_second_look_reads_less),
        cmocka_unit_test(test_what_is_not_all_here_is_not_found),
        cmocka_unit_test(test_a_known_image_may_lose_its_snapshot),
        cmocka_unit_test(test_what_is_damaged_is_no_image),
        cmocka_unit_test(test_rows_tell_names_and_sizes),
        cmocka_unit_test(test_a_name_with_nothing_behind_it_is_a_row),
        cmocka_unit_test(test_a_touch_is_told),
        cmocka_unit_test(test_cancelling_a_hung_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
