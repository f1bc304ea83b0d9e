#include "drivers/containerd/spec.h"
#include "support/json_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct sk_box small_box = {
    .id = "n1-abc",
    .snapshot_parent = "sha256:parent",
    .image_name = "docker.io/library/python:3.11",
    .hostname = "n1-abc",
    .agent_dir = "/run/sandkeep/agent/n1-abc",
};

static const struct sk_spec_host host = {
    .guest_path = "/usr/lib/sandkeep/guest",
    .cgroup_parent = "sandkeep",
    .machine = "x86_64",
    .nofile_hard = 20000,
    .swap_accounting = true,
};

/* The spec as a text, the caller's. */
static char *make(const struct sk_box *box, const struct sk_spec_host *h, const char *group)
{
    char *text = NULL;
    size_t len = 0;
    struct sk_err err = {0};
    assert_int_equal(sk_spec_make(box, h, group, &text, &len, &err), SK_OK);
    assert_int_equal(strlen(text), len);
    return text;
}

static yajl_val parse(const char *text)
{
    char why[256] = "";
    yajl_val root = yajl_tree_parse(text, why, sizeof(why));
    if (!root)
        fail_msg("not JSON: %s", why);
    return root;
}

#define AT(root, ...) json_at((root), (const char *[]){__VA_ARGS__, NULL})

static long long number_at(yajl_val node)
{
    assert_non_null(node);
    assert_true(YAJL_IS_INTEGER(node));
    return YAJL_GET_INTEGER(node);
}

static void test_the_process_is_the_guest_and_nothing_else(void **state)
{
    char *text = make(&small_box, &host, "sk-3");
    yajl_val root = parse(text);
    (void)state;
    assert_int_equal(AT(root, "process", "args")->u.array.len, 1);
    assert_int_equal(json_count(text, "/process/args/*", "/.sandkeep/guest"), 1);
    assert_int_equal(AT(root, "process", "env")->u.array.len, 2);
    assert_int_equal(json_count(text, "/process/env/*", "HOME=/"), 1); /* else crun reads /etc/passwd */
    assert_int_equal(number_at(AT(root, "process", "user", "uid")), 0);
    assert_true(YAJL_IS_TRUE(AT(root, "process", "noNewPrivileges")));
    assert_true(YAJL_IS_FALSE(AT(root, "process", "terminal")));
    assert_int_equal(json_count(text, "/process/cwd", "/"), 1);
    assert_int_equal(json_count(text, "/hostname", "n1-abc"), 1);
    yajl_tree_free(root);
    free(text);
}

static void test_capabilities(void **state)
{
    static const char *const never[] = {
        "CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_MKNOD", "CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_SYS_MODULE",
    };
    static const char *const drop[] = {"CAP_CHOWN", "CAP_UNKNOWN", NULL};
    struct sk_box box = small_box;
    char *text = make(&box, &host, "");
    (void)state;
    for (size_t i = 0; i < sk_array_len(never); i++)
        assert_int_equal(json_count(text, "/process/capabilities/bounding/*", never[i]), 0);
    assert_int_equal(json_count(text, "/process/capabilities/bounding/*", "CAP_CHOWN"), 1);
    assert_int_equal(json_count(text, "/process/capabilities/effective/*", "CAP_CHOWN"), 1);
    assert_int_equal(json_count(text, "/process/capabilities/permitted/*", "CAP_CHOWN"), 1);
    assert_null(strstr(text, "inheritable"));
    assert_null(strstr(text, "ambient"));
    free(text);
    box.drop_capabilities = drop;
    text = make(&box, &host, "");
    assert_null(strstr(text, "CAP_CHOWN"));
    assert_int_equal(json_count(text, "/process/capabilities/bounding/*", "CAP_KILL"), 1);
    free(text);
}

static void test_namespaces_are_all_new(void **state)
{
    static const char *const names[] = {"pid", "mount", "ipc", "uts", "network", "cgroup"};
    char *text = make(&small_box, &host, "");
    (void)state;
    for (size_t i = 0; i < sk_array_len(names); i++)
        assert_int_equal(json_count(text, "/linux/namespaces/*/type", names[i]), 1);
    assert_null(strstr(text, "/linux/namespaces/*/path"));
    free(text);
}

static void test_the_network_namespace_may_be_there(void **state)
{
    struct sk_box box = small_box;
    (void)state;
    box.netns = "/run/sandkeep/net/n1-abc";
    char *text = make(&box, &host, "");
    yajl_val root = parse(text), all = AT(root, "linux", "namespaces");
    assert_true(YAJL_IS_ARRAY(all));
    for (size_t i = 0; i < YAJL_GET_ARRAY(all)->len; i++) {
        yajl_val one = YAJL_GET_ARRAY(all)->values[i], path = AT(one, "path");
        const char *type = YAJL_GET_STRING(AT(one, "type"));
        assert_non_null(type);
        assert_int_equal(path != NULL, type && strcmp(type, "network") == 0);
    }
    assert_int_equal(json_count(text, "/linux/namespaces/*/path", box.netns), 1);
    yajl_tree_free(root);
    free(text);
}

static void test_limits(void **state)
{
    struct sk_box box = small_box;
    box.cpu_limit_millis = 1500;
    box.cpu_request_millis = 250;
    box.memory_limit_bytes = 1 << 30;
    box.pids_limit = 100;
    box.cpuset = "0-1";
    char *text = make(&box, &host, "");
    yajl_val root = parse(text);
    (void)state;
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "quota")), 150000);
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "period")), 100000);
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "shares")), 256);
    assert_int_equal(json_count(text, "/linux/resources/cpu/cpus", "0-1"), 1);
    assert_int_equal(number_at(AT(root, "linux", "resources", "memory", "limit")), 1 << 30);
    assert_int_equal(number_at(AT(root, "linux", "resources", "memory", "swap")), 1 << 30);
    assert_int_equal(number_at(AT(root, "linux", "resources", "pids", "limit")), 100);
    yajl_tree_free(root);
    free(text);
}

static void test_no_limits(void **state)
{
    char *text = make(&small_box, &host, "");
    yajl_val root = parse(text);
    (void)state;
    assert_null(AT(root, "linux", "resources", "cpu"));
    assert_null(AT(root, "linux", "resources", "memory"));
    assert_null(AT(root, "linux", "resources", "pids"));
    yajl_tree_free(root);
    free(text);
}

static void test_swap_is_left_out_where_it_cannot_be_limited(void **state)
{
    struct sk_spec_host without = host;
    struct sk_box box = small_box;
    without.swap_accounting = false;
    box.memory_limit_bytes = 1 << 20;
    char *text = make(&box, &without, "");
    yajl_val root = parse(text);
    (void)state;
    assert_non_null(AT(root, "linux", "resources", "memory", "limit"));
    assert_null(AT(root, "linux", "resources", "memory", "swap"));
    yajl_tree_free(root);
    free(text);
}

static void test_extreme_limits_stay_within_the_kernels(void **state)
{
    struct sk_box box = small_box;
    box.cpu_limit_millis = 1;
    box.cpu_request_millis = 1;
    char *text = make(&box, &host, "");
    yajl_val root = parse(text);
    (void)state;
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "quota")), 1000);
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "shares")), 2);
    yajl_tree_free(root);
    free(text);
    box.cpu_limit_millis = INT64_MAX;
    box.cpu_request_millis = INT64_MAX;
    text = make(&box, &host, "");
    root = parse(text);
    assert_true(number_at(AT(root, "linux", "resources", "cpu", "quota")) > 0);
    assert_int_equal(number_at(AT(root, "linux", "resources", "cpu", "shares")), 262144);
    yajl_tree_free(root);
    free(text);
}

static void test_open_files_never_above_our_own_limit(void **state)
{
    struct sk_spec_host rich = host;
    rich.nofile_hard = 1000000;
    char *poor_text = make(&small_box, &host, ""), *rich_text = make(&small_box, &rich, "");
    (void)state;
    assert_non_null(strstr(poor_text, "\"hard\":20000"));
    assert_non_null(strstr(rich_text, "\"hard\":65536"));
    free(poor_text);
    free(rich_text);
}

static void test_mounts(void **state)
{
    char *text = make(&small_box, &host, "");
    yajl_val root = parse(text), mounts = AT(root, "mounts");
    size_t last = mounts->u.array.len - 1;
    (void)state;
    /* The guest lies on top of its directory: the order counts. */
    assert_string_equal(YAJL_GET_STRING(AT(mounts->u.array.values[last - 1], "destination")), "/.sandkeep");
    assert_string_equal(YAJL_GET_STRING(AT(mounts->u.array.values[last - 1], "source")), small_box.agent_dir);
    assert_string_equal(YAJL_GET_STRING(AT(mounts->u.array.values[last], "destination")), "/.sandkeep/guest");
    assert_string_equal(YAJL_GET_STRING(AT(mounts->u.array.values[last], "source")), host.guest_path);
    for (size_t i = last - 1; i <= last; i++) {
        yajl_val options = AT(mounts->u.array.values[i], "options");
        assert_string_equal(YAJL_GET_STRING(options->u.array.values[0]), "bind");
        assert_string_equal(YAJL_GET_STRING(options->u.array.values[1]), "ro");
    }
    assert_int_equal(json_count(text, "/mounts/*/source", "/"), 0);
    assert_int_equal(json_count(text, "/linux/maskedPaths/*", "/proc/kcore"), 1);
    assert_int_equal(json_count(text, "/linux/readonlyPaths/*", "/proc/sys"), 1);
    yajl_tree_free(root);
    free(text);
}

/* What the caller puts anywhere is below what is ours, and can only be read. */
static void test_binds(void **state)
{
    const struct sk_bind binds[] = {{"/run/x/files/0", "/etc/app.conf"},
                                    {"/run/x/files/1", "/opt/\"odd\" name"}};
    struct sk_box box = small_box;
    box.binds = binds;
    box.bind_count = 2;
    char *text = make(&box, &host, "");
    yajl_val root = parse(text), mounts = AT(root, "mounts");
    size_t first = mounts->u.array.len - 4;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        yajl_val mount = mounts->u.array.values[first + i], options = AT(mount, "options");
        assert_string_equal(YAJL_GET_STRING(AT(mount, "destination")), binds[i].target);
        assert_string_equal(YAJL_GET_STRING(AT(mount, "source")), binds[i].source);
        assert_string_equal(YAJL_GET_STRING(options->u.array.values[1]), "ro");
    }
    assert_string_equal(YAJL_GET_STRING(AT(mounts->u.array.values[first + 2], "destination")), "/.sandkeep");
    yajl_tree_free(root);
    free(text);
}

static void test_devices_are_denied_first(void **state)
{
    char *text = make(&small_box, &host, "");
    yajl_val root = parse(text), devices = AT(root, "linux", "resources", "devices");
    (void)state;
    assert_true(YAJL_IS_FALSE(AT(devices->u.array.values[0], "allow")));
    assert_null(AT(devices->u.array.values[0], "type"));
    for (size_t i = 1; i < devices->u.array.len; i++) {
        assert_true(YAJL_IS_TRUE(AT(devices->u.array.values[i], "allow")));
        assert_string_equal(YAJL_GET_STRING(AT(devices->u.array.values[i], "type")), "c");
        assert_non_null(AT(devices->u.array.values[i], "major"));
    }
    yajl_tree_free(root);
    free(text);
}

static void test_root_group_and_cgroup(void **state)
{
    struct sk_box box = small_box;
    struct sk_spec_host rootless = host;
    char *text = make(&box, &host, "sk-3");
    (void)state;
    assert_int_equal(json_count(text, "/linux/cgroupsPath", "/sandkeep/n1-abc"), 1);
    assert_non_null(strstr(text, "\"readonly\":false"));
    assert_non_null(strstr(text, "\"annotations\":{\"io.containerd.runc.v2.group\":\"sk-3\"}"));
    free(text);
    box.read_only_root = true;
    rootless.cgroup_parent = "";
    text = make(&box, &rootless, "");
    assert_int_equal(json_count(text, "/linux/cgroupsPath", "/n1-abc"), 1);
    assert_non_null(strstr(text, "\"readonly\":true"));
    assert_null(strstr(text, "annotations"));
    free(text);
}

static void test_what_cannot_be_written_is_refused(void **state)
{
    struct sk_box box = small_box;
    struct sk_err err = {0};
    char *text = NULL;
    size_t len;
    (void)state;
    box.hostname = "\xff";
    assert_int_equal(sk_spec_make(&box, &host, "", &text, &len, &err), SK_INVALID_ARGUMENT);
    box = small_box;
    box.memory_limit_bytes = -1;
    assert_int_equal(sk_spec_make(&box, &host, "", &text, &len, &err), SK_INVALID_ARGUMENT);
    assert_null(text);
    box = small_box;
    box.hostname = "a\",\"b\":\"";
    text = make(&box, &host, "");
    assert_int_equal(json_count(text, "/hostname", box.hostname), 1);
    free(text);
}

static void test_devices_come_with_all_that_is_theirs(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const ro[] = {"ro", "rbind", NULL};
    static const char *const once[] = {"DRIVER=1", NULL};
    static const struct sk_device_mount library = {"/usr/lib/x", "/usr/lib/x", "bind", ro};
    static const struct sk_device_hook hook = {"createRuntime", "/usr/bin/hook", none, none, 0};
    static const struct sk_device_edits common = {
        .env = once, .mounts = &library, .mount_count = 1, .hooks = &hook, .hook_count = 1};
    static const struct sk_device_node nodes[] = {{"/dev/gpu0", 'c', 195, 0, "rw", 0666, 0, 44},
                                                  {"/dev/gpu1", 'c', 195, 1, "rw", 0666, 0, 44}};
    static const struct sk_device first = {
        "a/b=0", "a/b", {.env = none, .nodes = nodes, .node_count = 1}, &common};
    static const struct sk_device second = {
        "a/b=1", "a/b", {.env = none, .nodes = nodes + 1, .node_count = 1}, &common};
    static const struct sk_device *const both[] = {&first, &second, NULL};
    struct sk_box box = small_box;
    box.devices = both;
    char *text = make(&box, &host, "");
    yajl_val root = parse(text);
    (void)state;
    assert_int_equal(AT(root, "linux", "devices")->u.array.len, 2);
    assert_int_equal(json_count(text, "/linux/devices/*/path", "/dev/gpu1"), 1);
    assert_int_equal(json_count(text, "/linux/resources/devices/*/access", "rw"), 2);
    assert_int_equal(json_count(text, "/process/env/*", "DRIVER=1"), 1);
    assert_int_equal(json_count(text, "/mounts/*/destination", "/usr/lib/x"), 1);
    assert_int_equal(json_count(text, "/hooks/createRuntime/*/path", "/usr/bin/hook"), 1);
    yajl_tree_free(root);
    free(text);
    text = make(&small_box, &host, "");
    root = parse(text);
    assert_null(AT(root, "linux", "devices"));
    assert_null(AT(root, "hooks"));
    yajl_tree_free(root);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_process_is_the_guest_and_nothing_else),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_namespaces_are_all_new),
        cmocka_unit_test(test_the_network_namespace_may_be_there),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_swap_is_left_out_where_it_cannot_be_limited),
        cmocka_unit_test(test_extreme_limits_stay_within_the_kernels),
        cmocka_unit_test(test_open_files_never_above_our_own_limit),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_binds),
        cmocka_unit_test(test_devices_are_denied_first),
        cmocka_unit_test(test_root_group_and_cgroup),
        cmocka_unit_test(test_what_cannot_be_written_is_refused),
        cmocka_unit_test(test_devices_come_with_all_that_is_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
