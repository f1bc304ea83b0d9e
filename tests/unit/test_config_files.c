/* A configuration of several files: which says the last word, and which is at fault. */
#include "config/change.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct sk_config config;
    struct sk_faults faults;
    char folder[32], path[64];
};

static void write_file(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));
    char folder[64];

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/sk-files.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/sandkeepd.json", f->folder);
    (void)snprintf(folder, sizeof(folder), "%s/conf.d", f->folder);
    assert_int_equal(mkdir(folder, 0755), 0);
    sk_faults_init(&f->faults, f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"conf.d/10-a.json",       "conf.d/20-b.json",      "conf.d/a.json",
                                        "conf.d/B.json",          "conf.d/.hid.json",      "conf.d/c.json~",
                                        "conf.d/c.json.dpkg-new", "conf.d/README",         "conf.d/.json",
                                        "sandkeepd.json",         "conf.d/e\n\x1b[2J.json"};
    struct fixture *f = *state;
    char path[128];

    for (size_t i = 0; i < sk_array_len(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        if (unlink(path))
            (void)rmdir(path);
    }
    (void)snprintf(path, sizeof(path), "%s/conf.d", f->folder);
    (void)rmdir(path);
    (void)rmdir(f->folder);
    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    free(f);
    return 0;
}

static enum sk_code load(struct fixture *f)
{
    struct sk_err err = {0};

    sk_config_fini(&f->config);
    sk_faults_fini(&f->faults);
    sk_faults_init(&f->faults, f->path);
    return sk_config_load(&f->config, f->path, &f->faults, &err);
}

/* The faults without the name of the folder, which is another each time. */
static void refused(struct fixture *f, const char *lines)
{
    char told[4096] = "";
    size_t len = 0, skip = strlen(f->folder) + 1;

    assert_int_equal(load(f), SK_INVALID_ARGUMENT);
    for (const char *at = (const char *)f->faults.text.data; *at;) {
        if (strncmp(at, f->folder, skip - 1) == 0)
            at += skip;
        else
            told[len++] = *at++;
        assert_true(len < sizeof(told));
    }
    assert_string_equal(told, lines);
    assert_null(f->config.listen);
}

static void the_later_file_wins(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{\"create_hold_ms\": 1, \"delete_hold_ms\": 2, \"pids_limit\": 300}",
               0644);
    write_file(f, "conf.d/20-b.json", "{\"delete_hold_ms\": 4}", 0644);
    write_file(f, "conf.d/10-a.json", "// this one first\n{\"create_hold_ms\": 3, \"delete_hold_ms\": 3}",
               0644);
    assert_int_equal(load(f), SK_OK);
    assert_int_equal(f->config.create_hold_ms, 3);
    assert_int_equal(f->config.delete_hold_ms, 4);
    assert_int_equal(f->config.pids_limit, 300);
    assert_int_equal(f->config.retention_hours, 24);
}

static void lists_and_objects_are_replaced_whole(void **state)
{
    struct fixture *f = *state;

    write_file(
        f, "sandkeepd.json",
        "{\"dns_upstreams\": [\"192.0.2.1\", \"192.0.2.2\"], \"registries\": {\"a.b\": {}, \"c.d\": {}}}",
        0644);
    write_file(f, "conf.d/a.json", "{\"dns_upstreams\": [\"192.0.2.3\"], \"registries\": {\"e.f\": {}}}",
               0644);
    assert_int_equal(load(f), SK_OK);
    assert_string_equal(f->config.dns_upstreams[0], "192.0.2.3");
    assert_null(f->config.dns_upstreams[1]);
    assert_int_equal(f->config.registries.len, 1);
    assert_string_equal(f->config.registries.items[0].name, "e.f");
}

static void names_go_by_their_bytes_and_only_json_counts(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{}", 0644);
    write_file(f, "conf.d/a.json", "{\"pids_limit\": 11}", 0644);
    write_file(f, "conf.d/B.json", "{\"pids_limit\": 12}", 0644); /* before "a" */
    write_file(f, "conf.d/.hid.json", "nonsense", 0644);
    write_file(f, "conf.d/c.json~", "nonsense", 0644);
    write_file(f, "conf.d/c.json.dpkg-new", "nonsense", 0644);
    write_file(f, "conf.d/README", "nonsense", 0644);
    write_file(f, "conf.d/.json", "nonsense", 0644);
    assert_int_equal(load(f), SK_OK);
    assert_int_equal(f->config.pids_limit, 11);
}

static void no_folder_is_no_fault(void **state)
{
    struct fixture *f = *state;
    char folder[64];

    (void)snprintf(folder, sizeof(folder), "%s/conf.d", f->folder);
    assert_int_equal(rmdir(folder), 0);
    write_file(f, "sandkeepd.json", "{}", 0644);
    assert_int_equal(load(f), SK_OK);
}

static void each_fault_has_its_file(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{\n\"pids_limit\": 1,\n\"tls_key\": \"/k\"}", 0644);
    write_file(f, "conf.d/10-a.json", "{\"pids_limit\": 20, \"pids_limits\": 1,\n\"pids_limit\": 21}", 0644);
    write_file(f, "conf.d/20-b.json", "{", 0644);
    write_file(f, "conf.d/a.json", "{\n\n\"ceiling_cpu\": \"1m\"}", 0644);
    refused(f, "sandkeepd.json:2: pids_limit: 1 is too small, give a whole number from 8 to 4194304\n"
               "conf.d/10-a.json:1: pids_limits: no such key, did you mean \"pids_limit\"?\n"
               "conf.d/10-a.json:2: pids_limit: stands in line 1 already, give it once\n"
               "conf.d/20-b.json:1: not JSON: parse error: premature EOF\n"
               "sandkeepd.json:3: tls_certificate: is missing beside tls_key, give both\n"
               "conf.d/a.json:3: ceiling_cpu: is below default_cpu, give at least \"1000m\"\n");
}

/* What each file says is right, and what they say together is not; a later file can also make it right. */
static void files_are_held_against_each_other(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{\"image_disk_low_percent\": 80}", 0644);
    write_file(f, "conf.d/10-a.json", "{\"image_disk_high_percent\": 79}", 0644);
    refused(f,
            "sandkeepd.json:1: image_disk_low_percent: is above image_disk_high_percent, give at most 79\n");
    write_file(f, "conf.d/20-b.json", "{\"image_disk_low_percent\": 70}", 0644);
    assert_int_equal(load(f), SK_OK);
}

static void what_cannot_be_read_hides_nothing(void **state)
{
    struct fixture *f = *state;
    char path[64];

    write_file(f, "sandkeepd.json", "{\"x\": 1}", 0644);
    (void)snprintf(path, sizeof(path), "%s/conf.d/a.json", f->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(load(f), SK_INVALID_ARGUMENT);
    assert_int_equal(f->faults.count, 2);
    assert_non_null(strstr((const char *)f->faults.text.data, "conf.d/a.json: "));
    assert_non_null(strstr((const char *)f->faults.text.data, "sandkeepd.json:1: x: no such key"));
}

static void a_key_is_exposed_by_the_file_it_stands_in(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{}", 0644);
    write_file(f, "conf.d/a.json", "{\"api_keys\": [\"12345678\"]}", 0600);
    assert_int_equal(load(f), SK_OK);
    assert_false(f->config.exposes_keys);
    write_file(f, "conf.d/a.json", "{\"api_keys\": [\"12345678\"]}", 0644);
    assert_int_equal(load(f), SK_OK);
    assert_true(f->config.exposes_keys);
    write_file(f, "conf.d/a.json", "{\"api_keys\": []}", 0644);
    assert_int_equal(load(f), SK_OK);
    assert_false(f->config.exposes_keys);
}

static void what_differs_is_known(void **state)
{
    static const char *const same[] = {"{}", "{\"registries\": { } /* none */, \"create_hold_ms\":250 }",
                                       "{\"listen\": [ \"127.0.0.1:7463\" ]}"};
    struct fixture *f = *state;
    struct sk_config other = {0};
    size_t count, differ = 0;
    const struct sk_key *keys = sk_config_keys(&count);

    for (size_t i = 0; i < sk_array_len(same); i++) {
        assert_true(sk_config_parse(&f->config, "{}", 2, &f->faults));
        assert_true(sk_config_parse(&other, same[i], strlen(same[i]), &f->faults));
        for (size_t n = 0; n < count; n++)
            assert_int_equal(sk_config_change(&f->config, &other, n), SK_CHANGE_NONE);
        sk_config_fini(&other);
        sk_config_fini(&f->config);
    }
    const char *text = "{\"create_hold_ms\": 251, \"registries\": {\"a\\\"\\u0001.b:1\": {}}}";
    assert_true(sk_config_parse(&f->config, "{}", 2, &f->faults));
    assert_false(sk_config_parse(&other, text, strlen(text), &f->faults));
    text = "{\"create_hold_ms\": 251, \"image_deny\": [\"docker.io/*\"]}";
    sk_faults_fini(&f->faults);
    sk_faults_init(&f->faults, f->path);
    assert_true(sk_config_parse(&other, text, strlen(text), &f->faults));
    for (size_t n = 0; n < count; n++)
        if (sk_config_change(&f->config, &other, n) != SK_CHANGE_NONE)
            differ +=
                !strcmp(keys[n].name, "create_hold_ms") || !strcmp(keys[n].name, "image_deny") ? 1 : 100;
    assert_int_equal(differ, 2);
    sk_config_fini(&other);
}

static bool parse(struct sk_config *config, const char *text, struct sk_faults *faults)
{
    sk_faults_fini(faults);
    sk_faults_init(faults, "next");
    return sk_config_parse(config, text, strlen(text), faults);
}

/* What waits for a restart is what it was, and what results is looked at. */
static void what_waits_is_held(void **state)
{
    struct fixture *f = *state;
    struct sk_config next = {0};

    assert_true(parse(&f->config, "{\"containerd_transfer\": true, \"network_mtu\": 1400}", &f->faults));
    assert_true(parse(&next, "{\"containerd_transfer\": true, \"network_mtu\": 9000, \"create_hold_ms\": 7}",
                      &f->faults));
    assert_true(sk_config_hold(&next, &f->config, &f->faults));
    assert_int_equal(next.network_mtu, 1400);
    assert_int_equal(next.create_hold_ms, 7);
    sk_config_fini(&next);
    assert_true(parse(&next, "{\"registries\": {\"a.b\": {}}}", &f->faults));
    assert_false(sk_config_hold(&next, &f->config, &f->faults)); /* transfer would go on, with registries */
    assert_non_null(
        strstr((const char *)f->faults.text.data, "containerd does not know what registries says"));
    assert_non_null(strstr((const char *)f->faults.text.data, "still have their old values"));
    sk_config_fini(&next);
}

/* By the reload that made it what was in force before is gone. */
static void what_is_held_is_the_new_ones_own(void **state)
{
    struct fixture *f = *state;
    struct sk_config next = {0}, last = {0};

    assert_true(parse(
        &f->config, "{\"listen\": [\"127.0.0.1:1\", \"127.0.0.1:2\"], \"containerd_namespace\": \"a.test\"}",
        &f->faults));
    assert_true(parse(&next, "{}", &f->faults));
    assert_true(sk_config_hold(&next, &f->config, &f->faults));
    sk_config_fini(&f->config);
    assert_string_equal(next.listen[1], "127.0.0.1:2");
    assert_string_equal(next.containerd_namespace, "a.test");
    assert_true(parse(&last, "{\"containerd_namespace\": \"b.test\"}", &f->faults));
    assert_true(sk_config_hold(&last, &next, &f->faults));
    sk_config_fini(&next);
    assert_string_equal(last.listen[0], "127.0.0.1:1");
    assert_string_equal(last.containerd_namespace, "a.test");
    sk_config_fini(&last);
}

/* Paths of certificates change as they like, but TLS does not come or go. */
static void what_is_there_may_change_but_not_go(void **state)
{
    struct fixture *f = *state;
    struct sk_config next = {0};

    assert_true(parse(&f->config, "{\"tls_certificate\": \"/a\", \"tls_key\": \"/b\"}", &f->faults));
    assert_true(parse(&next, "{\"tls_certificate\": \"/c\", \"tls_key\": \"/d\"}", &f->faults));
    assert_true(sk_config_hold(&next, &f->config, &f->faults));
    assert_string_equal(next.tls_certificate, "/c");
    sk_config_fini(&next);
    assert_true(parse(&next, "{}", &f->faults));
    assert_true(sk_config_hold(&next, &f->config, &f->faults));
    assert_string_equal(next.tls_key, "/b");
    sk_config_fini(&next);
}

/* One line each, in a terminal that obeys none of it. */
static void a_fault_is_a_line_whatever_files_are_called(void **state)
{
    struct fixture *f = *state;

    write_file(f, "sandkeepd.json", "{}", 0644);
    write_file(f, "conf.d/e\n\x1b[2J.json", "{\"\\u009b\\u202e\": 1}", 0644);
    refused(f, "conf.d/e??[2J.json:1: ??: no such key, --print-config shows all there are\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_later_file_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_and_objects_are_replaced_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_go_by_their_bytes_and_only_json_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_folder_is_no_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_fault_has_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_held_against_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_hides_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_exposed_by_the_file_it_stands_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_is_a_line_whatever_files_are_called, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_differs_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_is_the_new_ones_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_may_change_but_not_go, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
