#include "containerd/types.pb-c.h"
#include "drivers/containerd/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SNAPSHOTS "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"

static bool reads(struct sk_arena *arena, char *type, char *source, char **options, size_t count,
                  struct sk_ctd_overlay *out)
{
    Containerd__Mount mount = CONTAINERD__MOUNT__INIT, *mounts[] = {&mount};

    mount.type = type;
    mount.source = source;
    mount.options = options;
    mount.n_options = count;
    return sk_ctd_overlay_read(arena, mounts, 1, out);
}

static void test_a_snapshot_with_nothing_below(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *options[] = {"rw", "rbind"};
    struct sk_ctd_overlay found;

    (void)state;
    assert_true(reads(&arena, "bind", SNAPSHOTS "/7/fs", options, 2, &found));
    assert_string_equal(found.snapshot, SNAPSHOTS "/7");
    assert_int_equal(found.lower_count, 0);
}

static void test_layers_below_whatever_else_is_said(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *options[] = {"index=off",
                       "userxattr",
                       "workdir=" SNAPSHOTS "/7/work",
                       "upperdir=" SNAPSHOTS "/7/fs",
                       "lowerdir=" SNAPSHOTS "/12/fs:" SNAPSHOTS "/3/fs",
                       "volatile"};
    struct sk_ctd_overlay found;

    (void)state;
    assert_true(reads(&arena, "overlay", "overlay", options, 6, &found));
    assert_string_equal(found.snapshot, SNAPSHOTS "/7");
    assert_int_equal(found.lower_count, 2);
    assert_string_equal(found.lowers[0], SNAPSHOTS "/12/fs");
    assert_string_equal(found.lowers[1], SNAPSHOTS "/3/fs");
}

static void test_what_is_none_of_it(void **state)
{
    static char *const lies[][2] = {
        {"upperdir=" SNAPSHOTS "/7/fs", "index=off"},                           /* nothing below */
        {"lowerdir=" SNAPSHOTS "/7/fs", "index=off"},                           /* for reading */
        {"upperdir=" SNAPSHOTS "/7/fs", "lowerdir="},                           /* empty */
        {"upperdir=" SNAPSHOTS "/7/fs", "lowerdir=/elsewhere/5/fs"},            /* not beside it */
        {"upperdir=" SNAPSHOTS "/7/fs", "lowerdir=" SNAPSHOTS "/5"},            /* no files */
        {"upperdir=" SNAPSHOTS "/7/fs", "lowerdir=snapshots/5/fs"},             /* from where? */
        {"upperdir=" SNAPSHOTS "/7/fs", "lowerdir=" SNAPSHOTS "/5/fs:/a/6/fs"}, /* not all beside it */
        {"upperdir=" SNAPSHOTS "/../7/fs", "lowerdir=" SNAPSHOTS "/5/fs"},
        {"upperdir=/fs", "lowerdir=/fs"},
    };
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_ctd_overlay found;

    (void)state;
    for (size_t i = 0; i < sk_array_len(lies); i++) {
        char *options[] = {lies[i][0], lies[i][1]};
        assert_false(reads(&arena, "overlay", "overlay", options, 2, &found));
    }
    assert_false(reads(&arena, "bind", "snapshots/7/fs", NULL, 0, &found));
    assert_false(reads(&arena, "bind", SNAPSHOTS "/7/rootfs", NULL, 0, &found));
    assert_false(reads(&arena, "btrfs", SNAPSHOTS "/7/fs", NULL, 0, &found));
    assert_false(sk_ctd_overlay_read(&arena, NULL, 0, &found));
}

static void test_more_layers_than_are_looked_at(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *lowers = sk_strdup("lowerdir=/s/0/fs");
    struct sk_ctd_overlay found;

    (void)state;
    for (int i = 1; i <= 128; i++) {
        char *options[] = {"upperdir=/s/999/fs", lowers};
        assert_true(reads(&arena, "overlay", "overlay", options, 2, &found));
        assert_int_equal(found.lower_count, i);
        char *more = sk_printf("%s:/s/%d/fs", lowers, i);
        free(lowers);
        lowers = more;
    }
    char *options[] = {"upperdir=/s/999/fs", lowers};
    assert_false(reads(&arena, "overlay", "overlay", options, 2, &found));
    free(lowers);
}

static void test_a_mount_of_its_own(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const Containerd__Mount *mount = sk_ctd_overlay_alone(&arena, "/s/7");

    (void)state;
    assert_string_equal(mount->type, "overlay");
    assert_int_equal(mount->n_options, 2);
    assert_string_equal(mount->options[0], "workdir=/s/7/work");
    assert_string_equal(mount->options[1], "upperdir=/s/7/fs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_with_nothing_below),
        cmocka_unit_test(test_layers_below_whatever_else_is_said),
        cmocka_unit_test(test_what_is_none_of_it),
        cmocka_unit_test(test_more_layers_than_are_looked_at),
        cmocka_unit_test(test_a_mount_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
