#include "drivers/containerd/bundle.h"

#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TASKS "/run/containerd/io.containerd.runtime.v2.task"

static void assert_in_the_way(const char *refusal, const char *expected)
{
    SK_AUTO_FREE char *found = sk_bundle_in_the_way(refusal, "ns", "n1-a");
    if (expected) {
        assert_non_null(found);
        assert_string_equal(found, expected);
    } else {
        assert_null(found);
    }
}

static void knows_only_its_own_folder(void **state)
{
    (void)state;
    assert_in_the_way("failed to start shim: mkdir " TASKS "/ns/n1-a: file exists: unknown",
                      TASKS "/ns/n1-a");
    assert_in_the_way("mkdir " TASKS "/ns/n1-a: file exists", TASKS "/ns/n1-a");
    assert_in_the_way("mkdir " TASKS "/ns/n1-b: file exists", NULL);
    assert_in_the_way("mkdir " TASKS "/other/n1-a: file exists", NULL);
    assert_in_the_way("mkdir " TASKS "/ns/n1-a: permission denied", NULL);
    assert_in_the_way("mkdir " TASKS "/ns/n1-a/rootfs: file exists", NULL);
    assert_in_the_way("mkdir " TASKS "/../io.containerd.runtime.v2.task/ns/n1-a: file exists", NULL);
    assert_in_the_way("mkdir /io.containerd.runtime.v2.task/ns/n1-a: file exists", NULL);
    assert_in_the_way("mkdir run/io.containerd.runtime.v2.task/ns/n1-a: file exists", NULL);
    assert_in_the_way("open " TASKS "/ns/n1-a: file exists", NULL);
    assert_in_the_way("mkdir ", NULL);
    assert_in_the_way("", NULL);
}

static void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static void removes_it_whole(void **state)
{
    char top[] = "/tmp/sk-bundle.XXXXXX";
    struct sk_err err;
    (void)state;
    assert_non_null(mkdtemp(top));
    SK_AUTO_FREE char *bundle = sk_printf("%s/n1-a", top), *rootfs = sk_printf("%s/rootfs", bundle);
    SK_AUTO_FREE char *file = sk_printf("%s/config.json", bundle), *hidden = sk_printf("%s/.n1-a", top);
    SK_AUTO_FREE char *older = sk_printf("%s/file", hidden), *other = sk_printf("%s/n1-b", top);

    for (int i = 0; i < 2; i++) { /* absent is success */
        assert_int_equal(sk_bundle_remove_unused(bundle, &err), SK_OK);
        assert_int_equal(mkdir(bundle, 0700), 0);
        assert_int_equal(mkdir(rootfs, 0700), 0);
        make_file(file);
        if (i) { /* begun before, by someone who was killed */
            assert_int_equal(mkdir(hidden, 0700), 0);
            make_file(older);
        }
        assert_int_equal(mkdir(other, 0700), 0);
        assert_int_equal(sk_bundle_remove_unused(bundle, &err), SK_OK);
        assert_int_not_equal(access(bundle, F_OK), 0);
        assert_int_not_equal(access(hidden, F_OK), 0);
        assert_int_equal(rmdir(other), 0);
    }
    assert_int_equal(rmdir(top), 0);
}

static void leaves_what_was_begun(void **state)
{
    char bundle[] = "/tmp/sk-bundle.XXXXXX";
    struct sk_err err;
    (void)state;
    assert_non_null(mkdtemp(bundle));
    SK_AUTO_FREE char *file = sk_printf("%s/runtime", bundle);
    make_file(file);
    assert_int_equal(sk_bundle_remove_unused(bundle, &err), SK_FAILED_PRECONDITION);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(sk_bundle_remove_unused(bundle, &err), SK_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_only_its_own_folder),
        cmocka_unit_test(removes_it_whole),
        cmocka_unit_test(leaves_what_was_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
