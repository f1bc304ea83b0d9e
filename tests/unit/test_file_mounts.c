/* The files of a container. */
#include "api/file_mounts.h"
#include "support/spec_rig.h"

static void set_files(struct fixture *f, const char *const *paths, size_t content_len)
{
    SK_PB(Container) *c = f->container;
    c->n_files = 0;
    while (paths[c->n_files])
        c->n_files++;
    c->files = sk_arena_alloc(&f->arena, c->n_files * sizeof(void *));
    for (size_t i = 0; i < c->n_files; i++) {
        c->files[i] = SK_PB_NEW(&f->arena, file_mount);
        c->files[i]->path = (char *)(uintptr_t)paths[i];
        c->files[i]->content.len = content_len;
        c->files[i]->content.data = sk_arena_alloc(&f->arena, content_len + 1);
        c->files[i]->content.data[0] = (uint8_t)i;
    }
}

static void files_are_taken(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = {"/a",   "/a-b", "/b/.hidden/c", "/etc/\xc3\xbc \"x\"\n", "/procs/1",
                                 "/a.b", NULL};
    set_files(f, paths, 3);
    assert_decodes(f);
    assert_int_equal(f->out.file_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(f->out.files[i].path, paths[i]);
        assert_int_equal(f->out.files[i].len, 3);
        assert_int_equal(f->out.files[i].content[0], i);
    }
    /* The echo has the paths and not, a second time, the contents. */
    const SK_PB(Sandbox) *echo =
        sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox__descriptor, f->out.echo, f->out.echo_len);
    assert_int_equal(echo->spec->containers[0]->n_files, 6);
    assert_string_equal(echo->spec->containers[0]->files[2]->path, "/b/.hidden/c");
    assert_int_equal(echo->spec->containers[0]->files[2]->content.len, 0);
    sk_arena_fini(&f->out.contents);
}

static void one_bad_file(struct fixture *f, const char *const *paths, const char *field)
{
    set_files(f, paths, 1);
    assert_violates(f, field);
    sk_arena_fini(&f->out.contents);
}

#define FILES_AT(n) "sandbox.spec.containers[0].files[" #n "].path"

static void paths_of_files_are_checked(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",          "/",         "a",      "./a",        "//a",
                                      "/a//b",     "/a/",       "/a/.",   "/../a",      "/a/../b",
                                      "/proc",     "/sys/a",    "/dev/x", "/.sandkeep", "/.sandkeep/guest",
                                      "/proc/1/x", "/dev/shm/x"};
    for (size_t i = 0; i < sk_array_len(bad); i++)
        one_bad_file(f, (const char *const[]){"/fine", bad[i], NULL}, FILES_AT(1));
    char name[258] = "/", path[1026];
    memset(name + 1, 'n', 256);
    one_bad_file(f, (const char *const[]){name, NULL}, FILES_AT(0));
    memset(path, 'p', sizeof(path) - 1);
    for (size_t i = 0; i < sizeof(path); i += 100)
        path[i] = '/';
    path[1025] = '\0';
    one_bad_file(f, (const char *const[]){path, NULL}, FILES_AT(0));
}

static void files_do_not_overlap(void **state)
{
    struct fixture *f = *state;
    one_bad_file(f, (const char *const[]){"/a", "/b", "/a", NULL}, FILES_AT(2));
    one_bad_file(f, (const char *const[]){"/a/b", "/a-b", "/a", "/a.b", NULL}, FILES_AT(0));
    one_bad_file(f, (const char *const[]){"/a", "/a!", "/a/b/c", NULL}, FILES_AT(2));
}

static void files_are_few_and_small(void **state)
{
    struct fixture *f = *state;
    const char *paths[SK_FILE_MOUNTS_MAX + 2] = {0};
    for (size_t i = 0; i <= SK_FILE_MOUNTS_MAX; i++)
        paths[i] = sk_arena_printf(&f->arena, "/f/%zu", i);
    set_files(f, paths, 1);
    assert_violates(f, "sandbox.spec.containers[0].files");
    paths[SK_FILE_MOUNTS_MAX] = NULL;
    set_files(f, paths, 1);
    assert_decodes(f);
    sk_arena_fini(&f->out.contents);
    set_files(f, (const char *const[]){"/a", "/b", NULL}, SK_FILE_MOUNTS_BYTES_MAX / 2);
    assert_decodes(f);
    sk_arena_fini(&f->out.contents);
    set_files(f, (const char *const[]){"/a", "/b", NULL}, SK_FILE_MOUNTS_BYTES_MAX / 2 + 1);
    assert_violates(f, "sandbox.spec.containers[0].files");
    assert_false(sk_spec_fits(f->sandbox));
    f->container->n_files = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(files_are_taken),
        SPEC_TEST(paths_of_files_are_checked),
        SPEC_TEST(files_do_not_overlap),
        SPEC_TEST(files_are_few_and_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
