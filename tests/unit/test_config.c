/* The configuration: what is taken, what is refused and in which words, all at once. */
#include "config/config.h"

#include "config/address.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    struct sk_config config;
    struct sk_faults faults;
};

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));

    sk_faults_init(&f->faults, "test.json");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sk_config_fini(&f->config);
    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    free(f);
    return 0;
}

static bool parse(struct fixture *f, const char *text)
{
    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    sk_faults_init(&f->faults, "test.json");
    return sk_config_parse(&f->config, text, strlen(text), &f->faults);
}

/* `text` must be refused with exactly these lines. */
static void refused(struct fixture *f, const char *text, const char *lines)
{
    if (parse(f, text))
        fail_msg("%s was accepted", text);
    assert_string_equal((const char *)f->faults.text.data, lines);
}

static void accepted(struct fixture *f, const char *text)
{
    if (!parse(f, text))
        fail_msg("%s was refused: %s", text, (const char *)f->faults.text.data);
}

static void an_empty_object_is_all_defaults(void **state)
{
    struct fixture *f = *state;

    accepted(f, "{}");
    assert_string_equal(f->config.node_id, "");
    assert_string_equal(f->config.listen[0], "127.0.0.1:7463");
    assert_null(f->config.listen[1]);
    assert_null(f->config.api_keys[0]);
    assert_string_equal(f->config.state_dir, "/var/lib/sandkeep");
    assert_string_equal(f->config.runtime, "auto");
    assert_int_equal(f->config.shim_group_max, 16);
    assert_int_equal(f->config.create_hold_ms, 250);
    assert_int_equal(f->config.default_cpu, 1000);
    assert_int_equal(f->config.default_memory, INT64_C(1) << 30);
    assert_int_equal(f->config.ceiling_cpu, 0);
    assert_int_equal(f->config.ceiling_memory, 0);
    assert_string_equal(f->config.drivers, "containerd");
}

static void takes_what_is_given(void **state)
{
    struct fixture *f = *state;

    accepted(
        f,
        "// comments\n{ /* of both kinds */ \"listen\": [\"0.0.0.0:0\", \"[::1]:7463\", \"unix:/run/x\"],\n"
        "\"api_keys\": [\"12345678\", \"abcdefgh-9\"], \"node_id\": \"n1\", \"default_cpu\": \"250m\",\n"
        "\"ceiling_cpu\": 2, \"default_memory\": \"64Mi\", \"ceiling_memory\": \"1.5Gi\",\n"
        "\"runtime\": \"/usr/bin/crun\", \"retention_hours\": 0, \"cgroup_parent\": \"a.slice/b\",\n"
        "\"tls_certificate\": \"/c\", \"tls_key\": \"/k\", \"drivers\": \"fake\", \"log_level\": \"warn\"}");
    assert_string_equal(f->config.listen[2], "unix:/run/x");
    assert_string_equal(f->config.api_keys[1], "abcdefgh-9");
    assert_null(f->config.api_keys[2]);
    assert_string_equal(f->config.node_id, "n1");
    assert_int_equal(f->config.default_cpu, 250);
    assert_int_equal(f->config.ceiling_cpu, 2000);
    assert_int_equal(f->config.default_memory, 64 << 20);
    assert_int_equal(f->config.ceiling_memory, INT64_C(3) << 29);
    assert_int_equal(f->config.retention_hours, 0);
    assert_string_equal(f->config.cgroup_parent, "a.slice/b");
    assert_string_equal(f->config.drivers, "fake");
}

static void tells_every_fault_at_once(void **state)
{
    refused(*state,
            "{\n"
            "  \"lisen\": [],\n"
            "  \"entirely_else\": 1,\n"
            "  \"create_hold_ms\": 99999999,\n"
            "  \"create_limit_s\": \"300\",\n"
            "  \"state_dir\": \"relative\",\n"
            "  \"default_cpu\": \"-1\",\n"
            "  \"drivers\": \"docker\",\n"
            "  \"drivers\": \"fake\",\n"
            "  \"listen\": [\"127.0.0.1:1\",\n"
            "    \"127.0.0.1\", 5]\n"
            "}\n",
            "test.json:2: lisen: no such key, did you mean \"listen\"?\n"
            "test.json:3: entirely_else: no such key, --print-config shows all there are\n"
            "test.json:4: create_hold_ms: 99999999 is too large, give a whole number from 0 to 60000\n"
            "test.json:5: create_limit_s: 300 will not do, give a whole number from 1 to 86400\n"
            "test.json:6: state_dir: \"relative\" will not do, give an absolute path\n"
            "test.json:7: default_cpu: -1 will not do, give a quantity like \"500m\" or \"2\"\n"
            "test.json:8: drivers: \"docker\" will not do, give \"containerd\" or \"fake\"\n"
            "test.json:9: drivers: stands in line 8 already, give it once\n"
            "test.json:11: listen[1]: \"127.0.0.1\" will not do, give \"host:port\", \"[v6]:port\" or "
            "\"unix:/path\"\n"
            "test.json:11: listen[2]: is a number, give a string: \"host:port\", \"[v6]:port\" or "
            "\"unix:/path\"\n");
}

static void refuses_wrong_types(void **state)
{
    struct fixture *f = *state;

    refused(f, "[]", "test.json:1: is a list, give an object in { }\n");
    refused(f, "\n\n3", "test.json:3: is a number, give an object in { }\n");
    refused(f, "{\"state_dir\": null}", "test.json:1: state_dir: is null, give a string: an absolute path\n");
    refused(f, "{\"state_dir\": {}}",
            "test.json:1: state_dir: is an object, give a string: an absolute path\n");
    refused(
        f, "{\"api_keys\": \"12345678\"}",
        "test.json:1: api_keys: is a string, give a list in [ ], each 8 to 512 printable characters without "
        "spaces\n");
    refused(f, "{\"pids_limit\": true}",
            "test.json:1: pids_limit: true or false will not do, give a whole number from 8 to 4194304\n");
    refused(f, "{\"image_pull_limit_s\": 72001}", /* the lease of a pull lasts no longer */
            "test.json:1: image_pull_limit_s: 72001 is too large, give a whole number from 1 to 72000\n");
    refused(f, "{\"pids_limit\": 1.5e3}",
            "test.json:1: pids_limit: 1.5e3 will not do, give a whole number from 8 to 4194304\n");
    refused(
        f, "{\"pids_limit\": 99999999999999999999}",
        "test.json:1: pids_limit: 99999999999999999999 will not do, give a whole number from 8 to 4194304\n");
    refused(
        f, "{\"default_memory\": \"1K\"}",
        "test.json:1: default_memory: 1K will not do, give a quantity like \"512Mi\" or \"1Gi\" of at least "
        "4194304 bytes\n");
    refused(f, "{\"default_memory\": \"1Ki\"}",
            "test.json:1: default_memory: 1Ki is too small, give a quantity like \"512Mi\" or \"1Gi\" of at "
            "least "
            "4194304 bytes\n");
    refused(f, "{\"listen\": []}", "test.json:1: listen: has 0 elements, give 1 to 16\n");
}

static void never_shows_a_key(void **state)
{
    struct fixture *f = *state;

    refused(
        f, "{\"api_keys\": [\"hunter2\"]}",
        "test.json:1: api_keys[0]: is not a usable key, give 8 to 512 printable characters without spaces\n");
    refused(
        f, "{\"api_keys\": [\"longenough\", \"with space\"]}",
        "test.json:1: api_keys[1]: is not a usable key, give 8 to 512 printable characters without spaces\n");
}

static void wants_keys_where_others_can_reach(void **state)
{
    struct fixture *f = *state;

    accepted(f, "{\"listen\": [\"127.0.0.1:1\",\n\"0.0.0.0:1\"]}"); /* opened once there is a key */
    accepted(f, "{\"listen\": [\"0.0.0.0:1\"], \"api_keys\": [\"12345678\"]}");
    accepted(f, "{\"listen\": [\"127.9.9.9:1\", \"localhost:2\", \"[::1]:3\", \"unix:/x\"]}");
}

static void checks_what_must_fit_together(void **state)
{
    struct fixture *f = *state;

    refused(f, "{\"tls_key\": \"/k\"}",
            "test.json:1: tls_certificate: is missing beside tls_key, give both\n");
    refused(f, "{\"tls_certificate\": \"/c\"}",
            "test.json:1: tls_key: is missing beside tls_certificate, give both\n");
    refused(f, "{\"default_cpu\": \"2\",\n\"ceiling_cpu\": \"1500m\"}",
            "test.json:2: ceiling_cpu: is below default_cpu, give at least \"2000m\"\n");
    refused(f, "{\"ceiling_memory\": \"512Mi\"}",
            "test.json:1: ceiling_memory: is below default_memory, give at least \"1073741824\"\n");
    refused(f, "{\"run_dir\": \"/run/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
            "test.json:1: run_dir: has 61 bytes, give 1 to 56\n");
}

static void takes_what_is_said_of_images(void **state)
{
    struct fixture *f = *state;
    const struct sk_registry_setting *r;

    accepted(f, "{}");
    assert_string_equal(f->config.image_pull_policy, "missing");
    assert_int_equal(f->config.image_max_bytes, INT64_C(64) << 30);
    assert_int_equal(f->config.registries.len, 0);
    assert_false(f->config.containerd_transfer);
    accepted(
        f, "{\"image_allow\": [\"docker.io/library/*\", \"*\", \"localhost/a:*\", \"ghcr.io/a/b@sha256:*\"],"
           "\"image_disk_low_percent\": 85, \"registry_proxy\": \"http://[::1]:3128/\","
           "\"image_prepull\": [\"python:3.12\"], \"registries\": {"
           "\"docker.io\": {\"mirrors\": [\"http://127.0.0.1:5000\", \"https://m.corp/docker/hub\"]},"
           "\"registry.corp:5000\": {\"plain_http\": true, \"ca\": \"/ca.pem\","
           "\"trusted_hosts\": [\"auth.corp\", \"[fd00::1]:443\"]}}}");
    assert_string_equal(f->config.image_allow[3], "ghcr.io/a/b@sha256:*");
    assert_string_equal(f->config.image_prepull[0], "python:3.12");
    assert_int_equal(f->config.registries.len, 2);
    r = f->config.registries.items;
    assert_string_equal(r[0].name, "docker.io");
    assert_string_equal(r[0].mirrors[1], "https://m.corp/docker/hub");
    assert_null(r[0].mirrors[2]);
    assert_false(r[0].plain_http);
    assert_string_equal(r[0].ca, "");
    assert_null(r[0].trusted_hosts[0]);
    assert_true(r[1].plain_http);
    assert_null(r[1].mirrors[0]);
    assert_string_equal(r[1].ca, "/ca.pem");
    assert_string_equal(r[1].trusted_hosts[1], "[fd00::1]:443");
}

static void takes_nothing_that_containerd_would_not_obey(void **state)
{
    struct fixture *f = *state;

    accepted(f, "{\"containerd_transfer\": true, \"registries\": {}}");
    assert_true(f->config.containerd_transfer);
    refused(
        f,
        "{\"registries\": {\"a.b\": {}}, \"registry_proxy\": \"http://p:1\",\n\"containerd_transfer\": true}",
        "test.json:2: containerd_transfer: is true, and containerd does not know what registries says: leave "
        "one of them out\n"
        "test.json:2: containerd_transfer: is true, and containerd does not know registry_proxy: leave one "
        "of "
        "them out\n");
}

static void tells_all_that_is_wrong_with_registries(void **state)
{
    struct fixture *f = *state;

    refused(
        f,
        "{\"registries\": {\n"
        "\"docker.io\": {\"mirrors\": [\"ftp://x\", 3], \"plain_http\": 1, \"mirror\": []},\n"
        "\"Ghcr.io\": 4,\n"
        "\"docker.io\": {\"ca\": \"rel\", \"trusted_hosts\": [\"a:0\"], \"ca\": \"\"}}}",
        "test.json:2: registries.\"docker.io\".mirrors[0]: \"ftp://x\" will not do, give a URL like "
        "\"https://mirror.corp:5000\"\n"
        "test.json:2: registries.\"docker.io\".mirrors[1]: is a number, give a string: a URL like "
        "\"https://mirror.corp:5000\"\n"
        "test.json:2: registries.\"docker.io\".plain_http: is a number, give true or false\n"
        "test.json:2: registries.\"docker.io\".mirror: no such key, there are mirrors, plain_http, ca and "
        "trusted_hosts\n"
        "test.json:3: registries.\"Ghcr.io\": is no registry, give its name as in full image names, like "
        "\"docker.io\" or \"registry.corp:5000\"\n"
        "test.json:3: registries.\"Ghcr.io\": is a number, give an object in { }\n"
        "test.json:4: registries.\"docker.io\": stands there already, give it once\n"
        "test.json:4: registries.\"docker.io\".ca: \"rel\" will not do, give an absolute path, or nothing\n"
        "test.json:4: registries.\"docker.io\".trusted_hosts[0]: \"a:0\" will not do, give \"host\" or "
        "\"host:port\"\n"
        "test.json:4: registries.\"docker.io\".ca: stands there already, give it once\n");
    refused(f, "{\"registries\": []}", "test.json:1: registries: is a list, give an object in { }\n");
}

static void refuses_odd_names_of_images_and_registries(void **state)
{
    static const char *const bad[] = {
        "{\"image_allow\": [\"python\"]}",
        "{\"image_allow\": [\"python:3\"]}",
        "{\"image_allow\": [\"library/python:*\"]}",
        "{\"image_allow\": [\"docker.io/library/python\"]}",
        "{\"image_allow\": [\"Docker.io/library/*\"]}",
        "{\"image_deny\": [\"\"]}",
        "{\"image_deny\": [\"/a:*\"]}",
        "{\"image_pins\": [\"docker.io/a b:1\"]}",
        "{\"image_prepull\": [\"\"]}",
        "{\"image_prepull\": [\"a b\"]}",
        "{\"image_pull_policy\": \"Always\"}",
        "{\"image_disk_low_percent\": 86}",
        "{\"image_disk_high_percent\": 74}",
        "{\"image_max_bytes\": 0}",
        "{\"containerd_transfer\": 1}",
        "{\"registry_proxy\": \"proxy:3128\"}",
        "{\"registry_proxy\": \"socks5://proxy:3128\"}",
        "{\"registries\": {\"\": {}}}",
        "{\"registries\": {\"library\": {}}}",
        "{\"registries\": {\"index.docker.io\": {}}}",
        "{\"registries\": {\"https://ghcr.io\": {}}}",
        "{\"registries\": {\"ghcr.io/a\": {}}}",
        "{\"registries\": {\"ghcr.io:443\": {}}}",
        "{\"registries\": {\"ghcr.io:0\": {}}}",
        "{\"registries\": {\"a.b\": {\"mirrors\": [\"https://a/../b\"]}}}",
        "{\"registries\": {\"a.b\": {\"mirrors\": [\"https://a?b\"]}}}",
        "{\"registries\": {\"a.b\": {\"mirrors\": [\"https://\"]}}}",
        "{\"registries\": {\"a.b\": {\"mirrors\": \"https://a\"}}}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(bad); i++)
        if (parse(f, bad[i]))
            fail_msg("%s was accepted", bad[i]);
}

static void shows_no_password_of_a_url(void **state)
{
    struct fixture *f = *state;

    assert_false(parse(f, "{\"registry_proxy\": \"http://u:hunter2@p:1\", \"registries\": {\"a.b\":"
                          " {\"mirrors\": [\"https://u:hunter2@m\"]}}}"));
    assert_int_equal(f->faults.count, 2);
    assert_null(strstr((const char *)f->faults.text.data, "hunter2"));
}

static void refuses_hostile_texts(void **state)
{
    struct fixture *f = *state;
    static char deep[4096];

    refused(f, "", "test.json:1: not JSON: parse error: premature EOF\n");
    refused(f, "{\n\"listen\": [\n", "test.json:3: not JSON: parse error: premature EOF\n");
    refused(f, "{\n\n  \"listen\" 1}",
            "test.json:3: not JSON: parse error: object key and value must be separated by "
            "a colon (':')\n");
    refused(f, "\xef\xbb\xbf{}",
            "test.json:1: begins with a byte order mark, write it as UTF-8 without one\n");
    refused(f, "{} {}", "test.json:1: not JSON: parse error: trailing garbage\n");
    refused(f, "{\"state_dir\": \"/a\\u0000b\"}", "test.json:1: a string with a NUL character\n");
    refused(f, "{\"state\\u0000_dir\": \"/a\"}", "test.json:1: a key with a NUL character\n");
    refused(f, "{\"state_dir\": \"/\xff\"}",
            "test.json:1: not JSON: lexical error: invalid bytes in UTF8 string.\n");
    memset(deep, '[', sizeof(deep) - 1);
    refused(f, deep, "test.json:1: arrays and objects nested too deeply\n");
}

static void refuses_unsafe_names(void **state)
{
    static const char *const bad[] = {
        "{\"cgroup_parent\": \"../up\"}",
        "{\"cgroup_parent\": \"a//b\"}",
        "{\"cgroup_parent\": \"/a\"}",
        "{\"cgroup_parent\": \"a/\"}",
        "{\"cgroup_parent\": \"\"}",
        "{\"cgroup_parent\": \"a/..\"}",
        "{\"node_id\": \"UPPER\"}",
        "{\"node_id\": \"thirteenchars\"}",
        "{\"node_id\": \"a-b\"}",
        "{\"containerd_namespace\": \"a b\"}",
        "{\"containerd_namespace\": \"..\"}",
        "{\"snapshotter\": \"\"}",
        "{\"runtime\": \"crun --debug\"}",
        "{\"runtime\": \"./crun\"}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(bad); i++)
        if (parse(f, bad[i]))
            fail_msg("%s was accepted", bad[i]);
}

static void knows_addresses(void **state)
{
    static const struct {
        const char *text;
        bool valid, loopback;
    } samples[] = {
        {"127.0.0.1:80", true, true},
        {"127.255.0.3:0", true, true},
        {"localhost:65535", true, true},
        {"[::1]:1", true, true},
        {"unix:/x", true, true},
        {"0.0.0.0:1", true, false},
        {"[::]:1", true, false},
        {"box.example:1", true, false},
        {"128.0.0.1:1", true, false},
        {"[::ffff:127.0.0.1]:1", true, false},
        {"localhost.evil.example:1", true, false},
        {"", false, false},
        {":1", false, false},
        {"a", false, false},
        {"a:", false, false},
        {"a:65536", false, false},
        {"a:-1", false, false},
        {"a:123456", false, false},
        {"::1:1", false, false},
        {"[::1]", false, false},
        {"[x]:1", false, false},
        {"1.2.3:1", false, false},
        {"1.2.3.256:1", false, false},
        {"a b:1", false, false},
        {"unix:x", false, false},
        {"unix:/", false, false},
        {"a:1 ", false, false},
        {"-a:1", false, false},
        {"a/b:1", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(samples); i++)
        if (sk_address_is_valid(samples[i].text) != samples[i].valid ||
            (samples[i].valid && sk_address_is_loopback(samples[i].text) != samples[i].loopback))
            fail_msg("\"%s\"", samples[i].text);
}

/* What --print-config prints can be used as it is, and is what the tree ships. */
static void the_sample_is_the_schema(void **state)
{
    struct fixture *f = *state;
    const char *source = getenv("SK_SOURCE");
    struct sk_buf text;
    char path[512], shipped[65536];
    size_t len;
    FILE *file;

    sk_buf_init(&text, sizeof(shipped) - 1);
    assert_int_equal(sk_config_print(&text), SK_OK);
    if (!sk_config_parse(&f->config, (const char *)text.data, text.len, &f->faults))
        fail_msg("the sample is refused: %s", (const char *)f->faults.text.data);
    assert_string_equal(f->config.listen[0], "127.0.0.1:7463");
    (void)snprintf(path, sizeof(path), "%s/config/sandkeepd.json", source ? source : ".");
    file = fopen(path, "r");
    assert_non_null(file);
    len = fread(shipped, 1, sizeof(shipped), file);
    (void)fclose(file);
    assert_int_equal(len, text.len);
    assert_memory_equal(shipped, text.data, len);
    sk_buf_fini(&text);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void loads_files(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/sk-config.XXXXXX";
    struct sk_err err = {0};

    (void)close(mkstemp(path));
    write_file(path, "{\"api_keys\": [\"12345678\"]}", 0644);
    assert_int_equal(sk_config_load(&f->config, path, &f->faults, &err), SK_OK);
    assert_true(f->config.exposes_keys);
    sk_config_fini(&f->config);
    write_file(path, "{\"api_keys\": [\"12345678\"]}", 0600);
    assert_int_equal(sk_config_load(&f->config, path, &f->faults, &err), SK_OK);
    assert_false(f->config.exposes_keys);
    sk_config_fini(&f->config);
    write_file(path, "{\"x\": 1, \"y\": 2}", 0600);
    assert_int_equal(sk_config_load(&f->config, path, &f->faults, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "has 2 faults"));
    (void)unlink(path);
    assert_int_equal(sk_config_load(&f->config, path, &f->faults, &err), SK_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(sk_config_load(&f->config, "/tmp", &f->faults, &err), SK_FAILED_PRECONDITION);
    assert_int_equal(sk_config_load(&f->config, "/dev/zero", &f->faults, &err), SK_FAILED_PRECONDITION);
}

/* As a script that knows no JSON gets it: what the parser has understood, comments or not. */
static void places_are_printed_for_scripts(void **state)
{
    struct fixture *f = *state;
    struct sk_buf text;

    sk_buf_init(&text, 4096);
    accepted(
        f,
        "{/* \"containerd_namespace\": \"theirs\" */ \"state_dir\": \"/srv/x\", // \"state_dir\": "
        "\"/srv/y\"\n"
        "\"cgroup_parent\":\n\"a.slice/b\", \"network_ipv4_pool\": \"10.9.8.128/25\",\n"
        "\"default_environment\": {\"run_dir\": \"/run/theirs\"}, \"network_ipv6_pool\": \"fd00:1::/64\"}");
    assert_int_equal(sk_config_print_places(&f->config, &text), SK_OK);
    assert_int_equal(sk_buf_printf(&text, "."), SK_OK);
    assert_memory_equal(text.data,
                        "containerd_socket=/run/containerd/containerd.sock\n"
                        "containerd_namespace=sandkeep\n"
                        "snapshotter=overlayfs\n"
                        "state_dir=/srv/x\n"
                        "run_dir=/run/sandkeep\n"
                        "cgroup_parent=a.slice/b\n"
                        "network_name=sandkeep\n"
                        "gateway4=10.9.8.129\n"
                        "gateway6=fd00:1::1\n.",
                        text.len);
    sk_buf_fini(&text);
    accepted(f, "{\"run_dir\": \"/run/$(reboot)\"}");
    assert_int_equal(sk_config_print_places(&f->config, &text), SK_INVALID_ARGUMENT);
    sk_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(places_are_printed_for_scripts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_object_is_all_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_what_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_every_fault_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_wrong_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(never_shows_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wants_keys_where_others_can_reach, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_what_must_fit_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_what_is_said_of_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_nothing_that_containerd_would_not_obey, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_all_that_is_wrong_with_registries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_odd_names_of_images_and_registries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_no_password_of_a_url, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_hostile_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_unsafe_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sample_is_the_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
