/* Docker archives: what is made of them, and which are refused. */
#include "support/image_archive_rig.h"

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

#define GZIP "\x1f\x8b\x08rest of it"

static void docker_archives_get_a_manifest(void **state)
{
    struct rig *rig = *state;
    char digest[SK_DIGEST_SIZE];

    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "one/layer.tar", "tar bytes");
    put_text(rig, "two.tar.gz", GZIP);
    put_link(rig, "three/layer.tar", "../one/layer.tar", false);
    put_link(rig, "four.tar", "one/layer.tar", true);
    put_docker(rig, "[\"app:1\",\"example.test/app:2\"]",
               "[\"one/layer.tar\",\"two.tar.gz\",\"three/layer.tar\",\"four.tar\"]");
    finish(rig);
    must_read(rig, NULL);
    assert_int_equal(rig->bundle.count, 2);
    assert_string_equal(rig->bundle.images[1].name, "example.test/app:2");
    const struct sk_bundle_image *image = &rig->bundle.images[0];
    assert_int_equal(image->count, 4); /* config, two layers, the manifest */
    assert_string_equal(image->target.digest, rig->bundle.images[1].target.digest);
    const struct sk_bundle_blob *made = &image->blobs[3];
    assert_null(made->entry);
    SK_AUTO_FREE char *text = sk_strndup((const char *)made->data, (size_t)made->what.size);
    sk_digest_of(text, strlen(text), digest);
    assert_string_equal(digest, image->target.digest);

    struct sk_arena arena SK_CLEANUP(sk_arena_fini) = {0};
    struct sk_manifest manifest;
    assert_int_equal(sk_manifest_parse((const uint8_t *)text, strlen(text), "", &arena, &manifest, &rig->err),
                     SK_OK);
    assert_int_equal(manifest.layer_count, 4);
    assert_string_equal(manifest.layers[0].media_type, LAYER_TYPE);
    assert_string_equal(manifest.layers[1].media_type, LAYER_TYPE "+gzip");
    sk_digest_of("tar bytes", 9, digest);
    assert_string_equal(manifest.layers[2].digest, digest);
    assert_string_equal(manifest.layers[3].digest, digest);
}

static void docker_archives_without_names_need_one(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    put_docker(rig, "null", "[]");
    finish(rig);
    must_refuse(rig, NULL, "use --name");
    must_read(rig, "app");
    assert_string_equal(rig->bundle.images[0].name, "docker.io/library/app:latest");
}

static void links_of_docker_archives_stay_inside(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    put_link(rig, "a.tar", "b.tar", false);
    put_link(rig, "b.tar", "a.tar", false);
    put_docker(rig, "[\"app:1\"]", "[\"a.tar\"]");
    finish(rig);
    must_refuse(rig, NULL, "a.tar, which manifest.json names, is not in the archive");

    begin(rig, ARCHIVE_FILTER_NONE);
    put_link(rig, "a.tar", "../../etc/passwd", false);
    put_docker(rig, "[\"app:1\"]", "[\"a.tar\"]");
    finish(rig);
    must_refuse(rig, NULL, "is not in the archive");

    begin(rig, ARCHIVE_FILTER_NONE);
    put_link(rig, "a.tar", "/etc/passwd", false);
    put_docker(rig, "[\"app:1\"]", "[\"a.tar\"]");
    finish(rig);
    must_refuse(rig, NULL, "is not in the archive");

    begin(rig, ARCHIVE_FILTER_NONE);
    put_docker(rig, "[\"app:1\"]", "[\"/etc/passwd\"]");
    finish(rig);
    must_refuse(rig, NULL, "is not in the archive");
}

static void a_manifest_json_of_too_much_is_refused(void **state)
{
    struct rig *rig = *state;
    struct sk_buf layers;

    sk_buf_init(&layers, SK_OCI_BLOB_MAX);
    for (int i = 0; i < SK_OCI_LAYERS_MAX + 1; i++)
        assert_int_equal(sk_buf_printf(&layers, "%s\"l.tar\"", i ? "," : "["), SK_OK);
    assert_int_equal(sk_buf_printf(&layers, "]"), SK_OK);
    SK_AUTO_FREE char *text = sk_buf_take_text(&layers);
    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "l.tar", "x");
    put_docker(rig, "[\"app:1\"]", text);
    finish(rig);
    must_refuse(rig, NULL, "more than 256 layers");

    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "manifest.json", "[{\"Config\":");
    finish(rig);
    must_refuse(rig, NULL, "manifest.json cannot be used");

    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "manifest.json", "[]");
    finish(rig);
    must_refuse(rig, NULL, "names no image");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(docker_archives_get_a_manifest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(docker_archives_without_names_need_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_of_docker_archives_stay_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manifest_json_of_too_much_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
