/* A layer takes its place: folders of a temporary directory stand for the snapshots. Attributes that only
 * root may set are tried where the tests run as root. */
#include "base/own.h"
#include "drivers/containerd/graft.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define OLD 1000000000

/* Snapshots: the layer, its place, and two layers below, the topmost first. */
enum { SIDE, UPPER, HIGH, LOW, SNAPSHOTS };

struct rig {
    char dir[64];
    char *snapshots[SNAPSHOTS];
    char *lowers[2];
    struct sk_graft graft;
    struct sk_err err;
};

static void shell(const char *verb, const char *argument)
{
    SK_AUTO_FREE char *command = sk_printf("%s %s", verb, argument);

    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    struct rig *r = sk_alloc(sizeof(*r));
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/sk-graft-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    for (int i = 0; i < SNAPSHOTS; i++) {
        r->snapshots[i] = sk_printf("%s/%d", r->dir, i);
        SK_AUTO_FREE char *fs = sk_printf("%s/fs", r->snapshots[i]);
        assert_int_equal(mkdir(r->snapshots[i], 0700), 0);
        assert_int_equal(mkdir(fs, 0755), 0);
    }
    r->lowers[0] = sk_printf("%s/fs", r->snapshots[HIGH]);
    r->lowers[1] = sk_printf("%s/fs", r->snapshots[LOW]);
    r->graft = (struct sk_graft){.side = r->snapshots[SIDE],
                                 .upper = r->snapshots[UPPER],
                                 .lowers = (const char *const *)r->lowers,
                                 .lower_count = 2};
    assert_int_equal(sk_graft_look(r->graft.side, now, &r->graft.made, &r->err), SK_OK);
    r->graft.from = now;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    shell("rm -rf", r->dir);
    for (int i = 0; i < SNAPSHOTS; i++)
        free(r->snapshots[i]);
    free(r->lowers[0]);
    free(r->lowers[1]);
    free(r);
    return 0;
}

static char *at(const struct rig *r, int snapshot, const char *name)
{
    return sk_printf("%s/fs/%s", r->snapshots[snapshot], name);
}

static void folder(const struct rig *r, int snapshot, const char *name, mode_t mode)
{
    SK_AUTO_FREE char *path = at(r, snapshot, name);

    assert_int_equal(mkdir(path, mode), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void file(const struct rig *r, int snapshot, const char *name)
{
    SK_AUTO_FREE char *path = at(r, snapshot, name);
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
}

static void make_old(const struct rig *r, int snapshot, const char *name)
{
    SK_AUTO_FREE char *path = at(r, snapshot, name);
    const struct timespec times[2] = {{.tv_sec = OLD}, {.tv_sec = OLD}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_there(const struct rig *r, int snapshot, const char *name)
{
    SK_AUTO_FREE char *path = at(r, snapshot, name);

    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_grafts(struct rig *r)
{
    if (sk_graft_run(&r->graft, &r->err) != SK_OK)
        fail_msg("%s", r->err.text);
}

/* Refused, and nothing has moved. */
static void assert_refuses(struct rig *r, const char *why)
{
    struct stat before, after;

    assert_int_equal(stat(r->lowers[0], &before), 0);
    file(r, SIDE, "canary");
    assert_int_equal(sk_graft_run(&r->graft, &r->err), SK_FAILED_PRECONDITION);
    if (!strstr(r->err.text, why))
        fail_msg("\"%s\" is not because of \"%s\"", r->err.text, why);
    assert_true(is_there(r, SIDE, "canary"));
    assert_false(is_there(r, UPPER, "canary"));
    assert_int_equal(stat(r->lowers[0], &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

/* --- it takes its place ------------------------------------------------------------------- */

static void test_the_layer_takes_the_root_of_its_place(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *root = sk_printf("%s/fs", r->snapshots[UPPER]);
    struct stat st;

    assert_int_equal(chmod(root, 0711), 0);
    file(r, SIDE, "a");
    folder(r, SIDE, "d", 0700);
    assert_grafts(r);
    assert_true(is_there(r, UPPER, "a"));
    assert_true(is_there(r, UPPER, "d"));
    assert_false(is_there(r, SIDE, "a"));
    assert_int_equal(stat(root, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(st.st_ino, r->graft.made.st_ino);
}

static void test_an_empty_layer(void **state)
{
    assert_grafts(*state);
}

static void test_folders_that_nobody_has_below(void **state)
{
    struct rig *r = *state;

    folder(r, HIGH, "other", 0700);
    folder(r, SIDE, "d", 0755);
    folder(r, SIDE, "d/other", 0755);
    assert_grafts(r);
}

static void test_folders_like_those_below(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0755);
    folder(r, LOW, "d/e", 01777);
    folder(r, SIDE, "d", 0755);
    folder(r, SIDE, "d/e", 01777);
    file(r, SIDE, "d/e/f");
    assert_grafts(r);
}

static void test_a_folder_that_the_layer_must_have_listed(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0700);
    folder(r, SIDE, "d", 0750);
    make_old(r, SIDE, "d");
    assert_grafts(r);
}

static void test_what_is_below_the_topmost_does_not_count(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0700);
    folder(r, HIGH, "d", 0755);
    folder(r, SIDE, "d", 0755);
    file(r, SIDE, "d/f");
    assert_grafts(r);
}

static void test_links_and_files_are_not_looked_into(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *link = at(r, SIDE, "link");

    folder(r, LOW, "link", 0700);
    file(r, LOW, "f");
    assert_int_equal(symlink("/", link), 0);
    file(r, SIDE, "f");
    assert_grafts(r);
}

/* --- it could have come to something else ------------------------------------------------------ */

static void test_a_folder_that_may_not_be_listed(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0700);
    folder(r, SIDE, "d", 0755);
    make_old(r, SIDE, "d"); /* which says nothing: a link can have led the time there */
    assert_refuses(r, "may be one that the layer does not list");
}

static void test_a_folder_deep_below(void **state)
{
    struct rig *r = *state;

    folder(r, HIGH, "a", 0755);
    folder(r, LOW, "a", 0755);
    folder(r, LOW, "a/b", 0755);
    folder(r, LOW, "a/b/c", 01777);
    folder(r, SIDE, "a", 0755);
    folder(r, SIDE, "a/b", 0755);
    folder(r, SIDE, "a/b/c", 0755);
    file(r, SIDE, "a/b/c/f");
    assert_refuses(r, "may be one that the layer does not list");
}

static void test_an_empty_folder_made_just_now(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0755);
    folder(r, SIDE, "d", 0755);
    assert_refuses(r, "an empty folder");
}

static void test_an_empty_folder_that_is_listed(void **state)
{
    struct rig *r = *state;

    folder(r, LOW, "d", 0755);
    folder(r, SIDE, "d", 0755);
    make_old(r, SIDE, "d");
    assert_grafts(r);
}

static void test_a_file_where_the_folder_is(void **state)
{
    struct rig *r = *state;

    file(r, LOW, "d");
    folder(r, SIDE, "d", 0755);
    assert_refuses(r, "something else in a layer below");
}

static void test_a_link_where_the_folder_is(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *link = at(r, LOW, "d");

    folder(r, HIGH, "d", 0755);
    assert_int_equal(symlink("/", link), 0);
    folder(r, SIDE, "d", 0755);
    file(r, SIDE, "d/f");
    assert_refuses(r, "something else in a layer below");
}

static void test_attributes_that_would_be_inherited(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *path = at(r, LOW, "d");

    folder(r, LOW, "d", 0755);
    folder(r, SIDE, "d", 0755);
    file(r, SIDE, "d/f");
    if (setxattr(path, "user.note", "x", 1, 0) != 0 && errno == ENOTSUP)
        skip();
    assert_refuses(r, "has attributes");
}

static void test_attributes_that_stay_where_they_are(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *path = at(r, LOW, "d");

    folder(r, LOW, "d", 0755);
    folder(r, SIDE, "d", 0755);
    file(r, SIDE, "d/f");
    if (setxattr(path, "trusted.overlay.opaque", "y", 1, 0) != 0)
        skip();
    assert_grafts(r);
}

static void test_a_layer_that_changed_its_root(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *root = sk_printf("%s/fs", r->snapshots[SIDE]);

    assert_int_equal(chmod(root, 0700), 0);
    assert_refuses(r, "changed its root");
}

static void test_folders_too_deep(void **state)
{
    struct rig *r = *state;

    for (int snapshot = SIDE; snapshot <= LOW; snapshot += LOW - SIDE) {
        SK_AUTO_FREE char *name = sk_strdup("d");
        for (int i = 0; i < 70; i++) {
            folder(r, snapshot, name, 0755);
            char *deeper = sk_printf("%s/d", name);
            free(name);
            name = deeper;
        }
        file(r, snapshot, name);
    }
    assert_refuses(r, "too deep");
}

/* --- it is not what it was ------------------------------------------------------------------------ */

static void test_a_place_that_is_taken(void **state)
{
    struct rig *r = *state;

    file(r, UPPER, "mine");
    assert_refuses(r, "taken");
}

static void test_another_snapshot(void **state)
{
    struct rig *r = *state;

    r->graft.side = r->snapshots[HIGH];
    assert_int_equal(sk_graft_run(&r->graft, &r->err), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(r->err.text, "not the one"));
}

static void test_layers_that_are_not_to_be_seen(void **state)
{
    struct rig *r = *state;

    shell("rm -r", r->lowers[1]);
    assert_refuses(r, "No such file");
}

static void test_a_look_at_what_is_not_new(void **state)
{
    struct rig *r = *state;
    struct timespec later;
    struct stat st;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &later);
    later.tv_sec += 60;
    assert_int_equal(sk_graft_look(r->snapshots[UPPER], later, &st, &r->err), SK_FAILED_PRECONDITION);
    file(r, UPPER, "f");
    assert_int_equal(sk_graft_look(r->snapshots[UPPER], r->graft.from, &st, &r->err), SK_FAILED_PRECONDITION);
    assert_int_equal(sk_graft_look("/nowhere", r->graft.from, &st, &r->err), SK_FAILED_PRECONDITION);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_layer_takes_the_root_of_its_place),
        CASE(test_an_empty_layer),
        CASE(test_folders_that_nobody_has_below),
        CASE(test_folders_like_those_below),
        CASE(test_a_folder_that_the_layer_must_have_listed),
        CASE(test_what_is_below_the_topmost_does_not_count),
        CASE(test_links_and_files_are_not_looked_into),
        CASE(test_a_folder_that_may_not_be_listed),
        CASE(test_a_folder_deep_below),
        CASE(test_an_empty_folder_made_just_now),
        CASE(test_an_empty_folder_that_is_listed),
        CASE(test_a_file_where_the_folder_is),
        CASE(test_a_link_where_the_folder_is),
        CASE(test_attributes_that_would_be_inherited),
        CASE(test_attributes_that_stay_where_they_are),
        CASE(test_a_layer_that_changed_its_root),
        CASE(test_folders_too_deep),
        CASE(test_a_place_that_is_taken),
        CASE(test_another_snapshot),
        CASE(test_layers_that_are_not_to_be_seen),
        CASE(test_a_look_at_what_is_not_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
