/* Archives that hold images, as tools write them and as nobody should. */
#include "support/image_archive_rig.h"

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define MANIFEST   "application/vnd.oci.image.manifest.v1+json"
#define INDEX      "application/vnd.oci.image.index.v1+json"

/* --- OCI layouts ------------------------------------------------------------------ */

struct made {
    char digest[SK_DIGEST_SIZE];
    size_t size;
};

static struct made put_blob(struct rig *rig, const char *text)
{
    struct made made = {.size = strlen(text)};
    char name[128];

    sk_digest_of(text, made.size, made.digest);
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", made.digest + 7);
    put_text(rig, name, text);
    return made;
}

static char *descriptor(const char *type, const struct made *made, const char *more)
{
    return sk_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type, made->digest,
                     made->size, more);
}

static char *manifest_text(const struct made *config, const struct made *layer)
{
    SK_AUTO_FREE char *first = descriptor("application/vnd.oci.image.config.v1+json", config, "");
    SK_AUTO_FREE char *second = descriptor(LAYER_TYPE, layer, "");

    return sk_printf("{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":%s,\"layers\":[%s]}",
                     first, second);
}

/* An image of one layer. */
static struct made put_image(struct rig *rig, const char *layer)
{
    struct made config = put_blob(rig, "{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    struct made content = put_blob(rig, layer);
    SK_AUTO_FREE char *text = manifest_text(&config, &content);

    return put_blob(rig, text);
}

static void put_index(struct rig *rig, const struct made *target, const char *type, const char *annotations)
{
    SK_AUTO_FREE char *item = descriptor(type, target, annotations);
    SK_AUTO_FREE char *text = sk_printf("{\"schemaVersion\":2,\"manifests\":[%s]}", item);

    put_text(rig, "./oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    put_text(rig, "./index.json", text);
}

#define FULL                                                                                                 \
    ",\"annotations\":{\"io.containerd.image.name\":\"example.test/a/"                                       \
    "b:1\",\"org.opencontainers.image.ref.name\":\"1\"}"
#define REF(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"

static void layouts_are_read_however_they_are_compressed(void **state)
{
    static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};
    struct rig *rig = *state;

    for (size_t i = 0; i < sk_array_len(filters); i++) {
        begin(rig, filters[i]);
        struct made image = put_image(rig, "a layer");
        put_index(rig, &image, MANIFEST, FULL);
        finish(rig);
        must_read(rig, NULL);
        assert_int_equal(rig->bundle.count, 1);
        assert_string_equal(rig->bundle.images[0].name, "example.test/a/b:1");
        assert_string_equal(rig->bundle.images[0].target.digest, image.digest);
        assert_string_equal(rig->bundle.images[0].target.media_type, MANIFEST);
        assert_int_equal(rig->bundle.images[0].count, 3);
    }
}

static void names_come_from_where_they_are(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    struct made image = put_image(rig, "a layer");
    put_index(rig, &image, MANIFEST, REF("latest")); /* a tag is no name */
    finish(rig);
    must_refuse(rig, NULL, "use --name");
    must_read(rig, "python:3.11");
    assert_string_equal(rig->bundle.images[0].name, "docker.io/library/python:3.11");
    must_refuse(rig, "Not A Name", "the name");

    begin(rig, ARCHIVE_FILTER_NONE);
    image = put_image(rig, "a layer");
    put_index(rig, &image, MANIFEST, REF("app:2"));
    finish(rig);
    must_read(rig, NULL);
    assert_string_equal(rig->bundle.images[0].name, "docker.io/library/app:2");
}

static void one_name_is_not_for_two_images(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    struct made image = put_image(rig, "a layer");
    SK_AUTO_FREE char *first = descriptor(MANIFEST, &image, REF("a:1"));
    SK_AUTO_FREE char *second = descriptor(MANIFEST, &image, REF("b:1"));
    SK_AUTO_FREE char *text = sk_printf("{\"manifests\":[%s,%s]}", first, second);
    put_text(rig, "oci-layout", "{}");
    put_text(rig, "index.json", text);
    finish(rig);
    must_refuse(rig, "c:1", "--name is for one");
    must_read(rig, NULL);
    assert_int_equal(rig->bundle.count, 2);
    assert_string_equal(rig->bundle.images[1].name, "docker.io/library/b:1");
}

/* Archives seldom have all platforms of an index. */
static void an_index_needs_one_of_its_platforms(void **state)
{
    struct rig *rig = *state;
    struct made absent = {.size = 3};

    for (int with = 0; with < 2; with++) {
        begin(rig, ARCHIVE_FILTER_NONE);
        sk_digest_of("abs", 3, absent.digest);
        struct made image = with ? put_image(rig, "a layer") : absent;
        SK_AUTO_FREE char *first = descriptor(MANIFEST, &absent, "");
        SK_AUTO_FREE char *second = descriptor(MANIFEST, &image, "");
        SK_AUTO_FREE char *text = sk_printf("{\"schemaVersion\":2,\"manifests\":[%s,%s]}", first, second);
        struct made index = put_blob(rig, text);
        put_index(rig, &index, INDEX, FULL);
        finish(rig);
        if (!with) {
            must_refuse(rig, NULL, "is not in the archive");
            continue;
        }
        must_read(rig, NULL);
        assert_int_equal(rig->bundle.images[0].count, 4);
        assert_string_equal(rig->bundle.images[0].target.digest, index.digest);
    }
}

static void layouts_that_lie_are_refused(void **state)
{
    struct rig *rig = *state;
    struct made liar = {.size = 7};
    char name[128];

    begin(rig, ARCHIVE_FILTER_NONE); /* other bytes under a manifest's digest */
    sk_digest_of("{truth}", 7, liar.digest);
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", liar.digest + 7);
    put_text(rig, name, "{false}");
    put_index(rig, &liar, MANIFEST, FULL);
    finish(rig);
    must_refuse(rig, NULL, "other bytes under that digest");

    begin(rig, ARCHIVE_FILTER_NONE); /* a size that is not the file's */
    struct made image = put_image(rig, "a layer");
    image.size += 1;
    put_index(rig, &image, MANIFEST, FULL);
    finish(rig);
    must_refuse(rig, NULL, "not as long");

    begin(rig, ARCHIVE_FILTER_NONE); /* a digest that is a path */
    image = (struct made){.digest = "sha256:../../../../etc/passwd", .size = 1};
    put_index(rig, &image, MANIFEST, FULL);
    finish(rig);
    must_refuse(rig, NULL, "without a digest");
}

static void a_layer_that_is_missing_is_named(void **state)
{
    struct rig *rig = *state;
    struct made layer = {.size = 4};

    begin(rig, ARCHIVE_FILTER_NONE);
    sk_digest_of("gone", 4, layer.digest);
    struct made config = put_blob(rig, "{}");
    SK_AUTO_FREE char *text = manifest_text(&config, &layer);
    struct made manifest = put_blob(rig, text);
    put_index(rig, &manifest, MANIFEST, FULL);
    finish(rig);
    must_refuse(rig, NULL, layer.digest);
}

static void an_index_too_large_is_refused(void **state)
{
    struct rig *rig = *state;
    size_t len = SK_OCI_BLOB_MAX + 1;
    SK_AUTO_FREE char *text = sk_alloc(len + 1);

    memset(text, ' ', len);
    text[0] = '{';
    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "oci-layout", "{}");
    put(rig, "index.json", text, len);
    finish(rig);
    must_refuse(rig, NULL, "too large");
}

/* --- archives that are wrong by themselves --------------------------------------------- */

static void names_that_lead_out_are_refused(void **state)
{
    static const char *const names[] = {"../index.json", "/index.json", "blobs/../../x"};
    struct rig *rig = *state;

    for (size_t i = 0; i < sk_array_len(names); i++) {
        begin(rig, ARCHIVE_FILTER_NONE);
        put_text(rig, names[i], "{}");
        finish(rig);
        must_refuse(rig, NULL, "leads out of the archive");
    }
}

static void a_name_that_comes_twice_is_refused(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "oci-layout", "{}");
    put_text(rig, "index.json", "{}");
    put_text(rig, "./index.json", "{ }");
    finish(rig);
    must_refuse(rig, NULL, "two files index.json");
}

/* A file of a terabyte that takes no room. */
static void files_with_holes_are_refused(void **state)
{
    struct rig *rig = *state;
    struct archive_entry *entry = archive_entry_new();

    begin(rig, ARCHIVE_FILTER_NONE);
    archive_entry_set_pathname(entry, "l.tar");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)1 << 40);
    archive_entry_sparse_add_entry(entry, 1 << 20, 4);
    assert_int_equal(archive_write_header(rig->tar, entry), ARCHIVE_OK);
    SK_AUTO_FREE char *zeros = sk_alloc(1 << 20);
    (void)archive_write_data(rig->tar, zeros, 1 << 20);
    (void)archive_write_data(rig->tar, "data", 4);
    archive_entry_free(entry);
    (void)archive_write_finish_entry(rig->tar);
    put_docker(rig, "[\"app:1\"]", "[\"l.tar\"]");
    (void)archive_write_free(sk_take(rig->tar));
    must_refuse(rig, NULL, "holes");
}

static void an_archive_cut_short_is_refused(void **state)
{
    struct rig *rig = *state;
    size_t len = 1 << 20;
    SK_AUTO_FREE char *layer = sk_alloc(len);
    struct stat info;

    memset(layer, 'x', len);
    begin(rig, ARCHIVE_FILTER_NONE);
    put_docker(rig, "[\"app:1\"]", "[\"l.tar\"]");
    put(rig, "l.tar", layer, len);
    finish(rig);
    assert_int_equal(stat(rig->path, &info), 0);
    assert_int_equal(truncate(rig->path, info.st_size / 2), 0);
    must_refuse(rig, NULL, "runcated");
}

static void what_is_no_archive_of_images_is_refused(void **state)
{
    struct rig *rig = *state;
    FILE *file;

    begin(rig, ARCHIVE_FILTER_NONE);
    put_text(rig, "hello", "world");
    finish(rig);
    must_refuse(rig, NULL, "neither an OCI layout");
    file = fopen(rig->path, "w");
    assert_non_null(file);
    (void)fputs("this is no archive at all, but it is long enough to be looked at", file);
    assert_int_equal(fclose(file), 0);
    must_refuse(rig, NULL, "");
    assert_int_equal(unlink(rig->path), 0);
    must_refuse(rig, NULL, "No such file");
}

static void too_many_files_are_refused(void **state)
{
    struct rig *rig = *state;
    char name[32];

    begin(rig, ARCHIVE_FILTER_NONE);
    for (int i = 0; i <= SK_ARCHIVE_ENTRIES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        put_text(rig, name, "");
    }
    finish(rig);
    must_refuse(rig, NULL, "more than 16384 files");
}

/* --- reading it again ---------------------------------------------------------------------- */

struct seen {
    struct sk_buf bytes;
    size_t files;
};

static enum sk_code on_file(void *arg, const struct sk_archive_entry *entry, bool *out_wanted,
                            struct sk_err *err)
{
    struct seen *seen = arg;

    (void)err;
    seen->files++;
    *out_wanted = strcmp(entry->name, "one/layer.tar") == 0;
    return SK_OK;
}

static enum sk_code on_bytes(void *arg, const uint8_t *data, size_t len, struct sk_err *err)
{
    (void)err;
    return sk_buf_append(&((struct seen *)arg)->bytes, data, len);
}

static void visits_give_the_bytes(void **state)
{
    struct rig *rig = *state;
    struct seen seen = {0};
    const struct sk_archive_visitor visitor = {.on_file = on_file, .on_bytes = on_bytes, .arg = &seen};

    begin(rig, ARCHIVE_FILTER_GZIP);
    put_text(rig, "one/layer.tar", "tar bytes");
    put_docker(rig, "[\"app:1\"]", "[\"one/layer.tar\"]");
    finish(rig);
    must_read(rig, NULL);
    sk_buf_init(&seen.bytes, 100);
    assert_int_equal(sk_image_archive_visit(&rig->archive, &visitor, &rig->err), SK_OK);
    assert_int_equal(seen.files, 3);
    assert_int_equal(seen.bytes.len, 9);
    assert_memory_equal(seen.bytes.data, "tar bytes", 9);
    sk_buf_fini(&seen.bytes);
}

static void a_folder_is_read_like_an_archive(void **state)
{
    struct rig *rig = *state;

    begin(rig, ARCHIVE_FILTER_NONE);
    struct made image = put_image(rig, "a layer");
    put_index(rig, &image, MANIFEST, FULL);
    finish(rig);
    SK_AUTO_FREE char *unpack = sk_printf("mkdir %s/d && tar -C %s/d -xf %s && ln -s /etc/passwd %s/d/stray",
                                          rig->root, rig->root, rig->path, rig->root);
    assert_int_equal(system(unpack), 0);
    (void)snprintf(rig->path, sizeof(rig->path), "%s/d", rig->root);
    must_read(rig, NULL);
    assert_string_equal(rig->bundle.images[0].target.digest, image.digest);
    assert_int_equal(rig->bundle.images[0].count, 3);
    assert_null(sk_image_archive_find(&rig->archive, "stray"));
    (void)snprintf(rig->path, sizeof(rig->path), "%s/d/", rig->root);
    must_read(rig, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layouts_are_read_however_they_are_compressed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_come_from_where_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_name_is_not_for_two_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_needs_one_of_its_platforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(layouts_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_layer_that_is_missing_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_too_large_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_lead_out_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_comes_twice_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_with_holes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_archive_cut_short_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_archive_of_images_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(visits_give_the_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_is_read_like_an_archive, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
