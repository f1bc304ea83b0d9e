/* Indexes and manifests: what is taken from them, and everything that is refused. */
#include "oci/manifest.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define GZIP                "application/vnd.oci.image.layer.v1.tar+gzip"
#define PART(digest, extra) "{\"digest\":\"" digest "\"" extra "}"
#define CONFIG              "\"config\":" PART(A, ",\"size\":3")
#define LAYER(digest, size) PART(digest, ",\"mediaType\":\"" GZIP "\",\"size\":" size)
#define OF_TYPE(type)       "{" CONFIG ",\"layers\":[" PART(B, ",\"size\":1,\"mediaType\":\"" type "\"") "]}"
#define ENTRY(digest, arch, extra)                                                                           \
    PART(digest, ",\"size\":9,\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\"" extra "}")

struct fixture {
    struct sk_arena arena;
    struct sk_manifest m;
    struct sk_err err;
};

static int set_up(void **state)
{
    *state = sk_alloc(sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sk_arena_fini(&f->arena);
    free(f);
    return 0;
}

static enum sk_code parse_bytes(struct fixture *f, const char *text, size_t len)
{
    sk_arena_fini(&f->arena);
    f->m = (struct sk_manifest){0};
    f->err = (struct sk_err){0};
    return sk_manifest_parse((const uint8_t *)text, len, "amd64", &f->arena, &f->m, &f->err);
}

static enum sk_code parse(struct fixture *f, const char *text)
{
    return parse_bytes(f, text, strlen(text));
}

static void a_manifest_names_config_and_layers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        parse(f, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(B, "7") "," LAYER(C, "0") "]}"), SK_OK);
    assert_false(f->m.is_index);
    assert_string_equal(f->m.next.digest, A);
    assert_int_equal(f->m.next.size, 3);
    assert_int_equal(f->m.layer_count, 2);
    assert_string_equal(f->m.layers[0].digest, B);
    assert_string_equal(f->m.layers[0].media_type, GZIP);
    assert_int_equal(f->m.layers[0].size, 7);
    assert_string_equal(f->m.layers[1].digest, C);
    assert_int_equal(f->m.layers[1].size, 0);
    assert_int_equal(sk_manifest_total(&f->m), 10);
    assert_int_equal(parse(f, "{" CONFIG "}"), SK_OK); /* from scratch, with nothing in it */
    assert_int_equal(f->m.layer_count, 0);
    assert_int_equal(sk_manifest_total(&f->m), 3);
}

static void an_index_is_searched_for_the_platform(void **state)
{
    static const struct {
        const char *entries, *digest;
    } rows[] = {
        {ENTRY(A, "arm64", "") "," ENTRY(B, "amd64", ""), B},
        /* A variant for newer processors may not run here; attestations have no platform of their own. */
        {ENTRY(A, "amd64", ",\"variant\":\"v3\"") "," ENTRY(C, "unknown", "") "," ENTRY(B, "amd64", ""), B},
        {ENTRY(B, "amd64", ",\"variant\":\"v1\"") "," ENTRY(A, "amd64", ""), B},
        /* An entry without a platform serves when nothing fits better. */
        {PART(A, ",\"size\":1") "," ENTRY(B, "amd64", ""), B},
        {PART(A, ",\"size\":1"), A},
        {PART(A, "") "," ENTRY(B, "amd64", ""), B},
    };
    struct fixture *f = *state;
    char text[2048];

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        (void)snprintf(text, sizeof(text), "{\"manifests\":[%s]}", rows[i].entries);
        assert_int_equal(parse(f, text), SK_OK);
        assert_true(f->m.is_index);
        assert_string_equal(f->m.next.digest, rows[i].digest);
        assert_int_equal(f->m.layer_count, 0);
    }
}

static void refuses_what_is_neither_or_both(void **state)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "{}",
        "7",
        "nonsense",
        "{\"config\":{}}",
        "{\"config\":[" PART(A, ",\"size\":3") "]}",
        "{\"config\":" PART("sha256:short", ",\"size\":3") "}",
        "{\"config\":" PART("../../etc/passwd", ",\"size\":3") "}",
        "{\"config\":{\"digest\":7,\"size\":3}}",
        "{\"config\":{\"digest\":{\"digest\":\"" A "\"},\"size\":3}}",
        "{\"manifests\":[]}",
        "{\"manifests\":{\"a\":" ENTRY(A, "amd64", "") "}}",
        "{\"manifests\":[" ENTRY(A, "arm64", "") "]}",
        "{\"manifests\":[" ENTRY("../../etc/passwd", "amd64", "") "]}",
        /* Which of both was meant? */
        "{" CONFIG ",\"manifests\":[" ENTRY(B, "amd64", "") "]}",
        "{\"layers\":[],\"manifests\":[" ENTRY(B, "amd64", "") "]}",
        "{" CONFIG "," CONFIG "}",
        "{" CONFIG ",\"layers\":[],\"layers\":[]}",
        "{\"manifests\":[],\"manifests\":[" ENTRY(B, "amd64", "") "]}",
        /* Names that only look like a path. */
        "{\"config/digest\":\"" A "\",\"config/size\":3}",
        "{\"manifests\":{\"*\":" ENTRY(A, "amd64", "") "}}",
        "{" CONFIG ",\"layers\":{\"*\":" LAYER(B, "1") "}}",
        "{" CONFIG "} trailing",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        if (parse(f, rows[i]) != SK_FAILED_PRECONDITION)
            fail_msg("taken: %s", rows[i]);
        assert_null(f->m.layers);
        assert_string_equal(f->m.next.digest, "");
    }
}

static void refuses_odd_layers(void **state)
{
    static const char *const rows[] = {
        "[7]",
        "[\"" B "\"]",
        "[[" LAYER(B, "1") "]]",
        "[{}]",
        "[" LAYER("sha256:short", "1") "]",
        "[" PART(B, ",\"size\":1") "]",
    };
    struct fixture *f = *state;
    char text[1024];

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        (void)snprintf(text, sizeof(text), "{" CONFIG ",\"layers\":%s}", rows[i]);
        if (parse(f, text) != SK_FAILED_PRECONDITION)
            fail_msg("taken: %s", rows[i]);
    }
}

static void refuses_odd_sizes(void **state)
{
    static const char *const sizes[] = {"-1",
                                        "1.5",
                                        "1e3",
                                        "\"7\"",
                                        "null",
                                        "true",
                                        "{}",
                                        "[7]",
                                        "9223372036854775808",
                                        "9999999999999999999",
                                        "18446744073709551616",
                                        "1000000000000000000000000000000000000"};
    struct fixture *f = *state;
    char text[1024];

    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        (void)snprintf(text, sizeof(text), "{" CONFIG ",\"layers\":[" LAYER(B, "%s") "]}", sizes[i]);
        if (parse(f, text) != SK_FAILED_PRECONDITION)
            fail_msg("layer taken: %s", text);
        (void)snprintf(text, sizeof(text), "{\"config\":" PART(A, ",\"size\":%s") "}", sizes[i]);
        if (parse(f, text) != SK_FAILED_PRECONDITION)
            fail_msg("config taken: %s", text);
        (void)snprintf(text, sizeof(text), "{\"manifests\":[" PART(A, ",\"size\":%s") "]}", sizes[i]);
        if (parse(f, text) != SK_FAILED_PRECONDITION)
            fail_msg("entry taken: %s", text);
    }
    assert_int_equal(parse(f, "{" CONFIG ",\"layers\":[" PART(B, ",\"mediaType\":\"" GZIP "\"") "]}"),
                     SK_FAILED_PRECONDITION); /* none at all */
}

static void refuses_sums_that_no_number_holds(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "{" CONFIG ",\"layers\":[" LAYER(B, "9223372036854775804") "]}"), SK_OK);
    assert_true(sk_manifest_total(&f->m) == INT64_MAX);
    assert_int_equal(parse(f, "{" CONFIG ",\"layers\":[" LAYER(B, "9223372036854775805") "]}"),
                     SK_FAILED_PRECONDITION);
    assert_int_equal(
        parse(f, "{" CONFIG ",\"layers\":[" LAYER(B, "9223372036854775804") "," LAYER(C, "1") "]}"),
        SK_FAILED_PRECONDITION);
    assert_non_null(strstr(f->err.text, "larger than any disk"));
}

/* What comes next is read whole. */
static void refuses_what_is_too_long_to_be_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "{\"config\":" PART(A, ",\"size\":4194304") "}"), SK_OK);
    assert_int_equal(parse(f, "{\"config\":" PART(A, ",\"size\":4194305") "}"), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(f->err.text, "config has 4194305 bytes"));
    assert_int_equal(parse(f, "{\"manifests\":[" PART(A, ",\"size\":4194305") "]}"), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(f->err.text, "manifest has 4194305 bytes"));
}

static void takes_only_layers_that_can_be_unpacked(void **state)
{
    static const struct {
        const char *text, *said; /* NULL = taken */
    } rows[] = {
        {OF_TYPE("application/vnd.oci.image.layer.v1.tar"), NULL},
        {OF_TYPE("application/vnd.oci.image.layer.v1.tar+zstd"), NULL},
        {OF_TYPE("application/vnd.docker.image.rootfs.diff.tar.gzip"), NULL},
        {OF_TYPE("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
         "layer 0 of the image is encrypted"},
        {OF_TYPE("application/vnd.oci.image.layer.v1.tar+encrypted"), "encrypted"},
        {OF_TYPE("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), "not for distribution"},
        {OF_TYPE("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), "not for distribution"},
        {OF_TYPE("application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
         "of an unknown kind (\"application/vnd.c"},
        {OF_TYPE("application/vnd.oci.image.layer.v1.tar+xz"), "of an unknown kind"},
        {OF_TYPE(""), "of an unknown kind (\"\")"},
        {OF_TYPE(GZIP GZIP GZIP GZIP), "of an unknown kind"}, /* longer than is kept */
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        enum sk_code code = parse(f, rows[i].text);
        assert_int_equal(code, rows[i].said ? SK_FAILED_PRECONDITION : SK_OK);
        if (rows[i].said && !strstr(f->err.text, rows[i].said))
            fail_msg("%s", f->err.text);
    }
}

static void says_that_schema_1_is_too_old(void **state)
{
    static const char *const rows[] = {
        "{\"schemaVersion\":1,\"name\":\"a\",\"fsLayers\":[{\"blobSum\":\"" A "\"}],\"history\":[]}",
        "{\"schemaVersion\":1}",
        "{\"fsLayers\":[]}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(rows); i++) {
        assert_int_equal(parse(f, rows[i]), SK_FAILED_PRECONDITION);
        assert_non_null(strstr(f->err.text, "schema 1"));
    }
}

/* An index that names an index is told as what it is; the pull refuses the second one. */
static void an_index_may_name_an_index(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        parse(f, "{\"manifests\":[" PART(
                     A, ",\"size\":1,\"mediaType\":\"application/vnd.oci.image.index.v1+json\"") "]}"),
        SK_OK);
    assert_true(f->m.is_index);
    assert_string_equal(f->m.next.media_type, "application/vnd.oci.image.index.v1+json");
}

/* The manifest's text with so many layers; heap. */
static char *with_layers(size_t count, size_t *out_len)
{
    static const char layer[] = LAYER(B, "1") ",";
    size_t size = count * sizeof(layer) + 1024;
    char *text = sk_alloc(size);
    size_t len = (size_t)snprintf(text, size, "{" CONFIG ",\"layers\":[");

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, size - len, "%s", layer);
    *out_len = len - 1 + (size_t)snprintf(text + len - 1, size - len, "]}");
    return text;
}

static void counts_layers(void **state)
{
    struct fixture *f = *state;
    const size_t counts[] = {SK_OCI_LAYERS_MAX, SK_OCI_LAYERS_MAX + 1, 10000};

    for (size_t i = 0; i < sk_array_len(counts); i++) {
        size_t len;
        SK_AUTO_FREE char *text = with_layers(counts[i], &len);
        enum sk_code code = parse_bytes(f, text, len);
        assert_int_equal(code, counts[i] > SK_OCI_LAYERS_MAX ? SK_FAILED_PRECONDITION : SK_OK);
        assert_int_equal(f->m.layer_count, code == SK_OK ? counts[i] : 0);
        if (code != SK_OK)
            assert_non_null(strstr(f->err.text, "more than 256 layers"));
    }
}

static void memory_does_not_follow_the_text(void **state)
{
    struct fixture *f = *state;
    SK_AUTO_FREE char *text = sk_alloc(SK_OCI_BLOB_MAX);
    static const char *const heads[] = {"[", "{\"a\":[", "{\"layers\":[", "{\"manifests\":["};

    for (size_t i = 0; i < sk_array_len(heads); i++) {
        for (const char *filler = "[{"; *filler; filler++) {
            memset(text, *filler, SK_OCI_BLOB_MAX);
            memcpy(text, heads[i], strlen(heads[i]));
            assert_int_equal(parse_bytes(f, text, SK_OCI_BLOB_MAX), SK_FAILED_PRECONDITION);
            assert_true(f->arena.used <= SK_OCI_LAYERS_MAX * sizeof(struct sk_oci_descriptor) + 64);
        }
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_manifest_names_config_and_layers),
        TEST(an_index_is_searched_for_the_platform),
        TEST(refuses_what_is_neither_or_both),
        TEST(refuses_odd_layers),
        TEST(refuses_odd_sizes),
        TEST(refuses_sums_that_no_number_holds),
        TEST(refuses_what_is_too_long_to_be_read),
        TEST(takes_only_layers_that_can_be_unpacked),
        TEST(says_that_schema_1_is_too_old),
        TEST(an_index_may_name_an_index),
        TEST(counts_layers),
        TEST(memory_does_not_follow_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
