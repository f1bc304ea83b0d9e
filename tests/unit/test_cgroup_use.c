/* What a cgroup uses, read from files as either version of cgroups has them. */
#include "base/own.h"
#include "drivers/containerd/cgroup_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/tree.h"

static int set_up(void **state)
{
    char *root = sk_strdup("/tmp/sk-cgroup-XXXXXX");

    assert_non_null(mkdtemp(root));
    *state = root;
    return 0;
}

static int tear_down(void **state)
{
    struct sk_err err;

    assert_int_equal(sk_tree_remove(*state, &err), SK_OK);
    free(*state);
    return 0;
}

/* Makes the folders on the way. */
static void put(const char *root, const char *path, const char *text)
{
    SK_AUTO_FREE char *whole = sk_printf("%s/%s", root, path);

    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void version_2(void **state)
{
    struct sk_runtime_use use = {.id = "n-1"};

    put(*state, "sandkeep/n-1/cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n");
    put(*state, "sandkeep/n-1/memory.current", "10000\n");
    put(*state, "sandkeep/n-1/memory.stat", "anon 5000\ninactive_file 4000\nactive_file 1000\n");
    put(*state, "sandkeep/n-1/pids.current", "3\n");
    sk_cgroup_measure(*state, "sandkeep", &use);
    assert_true(use.is_measured);
    assert_int_equal(use.cpu_ns, 1500000000);
    assert_int_equal(use.memory_bytes, 6000);
    assert_int_equal(use.processes, 3);
}

static void version_1(void **state)
{
    struct sk_runtime_use use = {.id = "n-1"};

    put(*state, "cpuacct/a/b/n-1/cpuacct.usage", "77\n");
    put(*state, "memory/a/b/n-1/memory.usage_in_bytes", "10000\n");
    put(*state, "memory/a/b/n-1/memory.stat", "inactive_file 1\ntotal_inactive_file 20000\n");
    sk_cgroup_measure(*state, "a/b", &use);
    assert_true(use.is_measured);
    assert_int_equal(use.cpu_ns, 77);
    assert_int_equal(use.memory_bytes, 0); /* more idle than used: the two were read at different moments */
    assert_int_equal(use.processes, 0);    /* no such controller */
}

static void what_is_not_there_is_not_measured(void **state)
{
    struct sk_runtime_use use = {.id = "n-1"};

    sk_cgroup_measure(*state, "sandkeep", &use);
    assert_false(use.is_measured);
    put(*state, "n-1/cpu.stat", ""); /* without a parent; and empty */
    sk_cgroup_measure(*state, "", &use);
    assert_false(use.is_measured);
    put(*state, "n-1/cpu.stat", "nr_periods 0\n");
    sk_cgroup_measure(*state, "", &use);
    assert_true(use.is_measured);
    assert_int_equal(use.cpu_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_measured, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
