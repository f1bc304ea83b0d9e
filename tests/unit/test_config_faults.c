/* Every key with every kind of fault: each is told, at its line, with its key, and nothing else is. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What came of a text. */
struct reading {
    struct sk_config config;
    struct sk_faults faults;
    bool is_right;
    const char *told; /* "" = nothing */
};

static void reading_fini(struct reading *r)
{
    sk_config_fini(&r->config);
    sk_faults_fini(&r->faults);
}

static void read_text(struct reading *r, const char *text)
{
    *r = (struct reading){.told = ""};
    sk_faults_init(&r->faults, "f");
    r->is_right = sk_config_parse(&r->config, text, strlen(text), &r->faults);
    if (r->faults.text.len)
        r->told = (const char *)r->faults.text.data;
    assert_int_equal(r->is_right, r->faults.count == 0);
}

/* Every line of it is of that key, in that line of the file; elements and members of it count. */
static void must_tell_of(const struct reading *r, const char *key, int line)
{
    SK_AUTO_FREE char *head = sk_printf("f:%d: %s", line, key);
    size_t len = strlen(head);

    if (r->is_right)
        fail_msg("%s: was accepted", key);
    for (const char *at = r->told; *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, head, len) != 0 || !strchr(":[.", at[len]))
            fail_msg("of %s this is told: %s", key, at);
}

static void refuses(const struct sk_key *key, const char *value)
{
    SK_CLEANUP(reading_fini) struct reading r;
    SK_AUTO_FREE char *text = sk_printf("{\n\"%s\": %s\n}", key->name, value);

    read_text(&r, text);
    must_tell_of(&r, key->name, 2);
}

#define EACH_KEY(key)                                                                                        \
    size_t count;                                                                                            \
    const struct sk_key *all = sk_config_keys(&count);                                                       \
    for (const struct sk_key *key = all; key < all + count; key++)

static void no_key_takes_null_or_another_kind(void **state)
{
    static const char *const values[] = {"null", "[null]", "{\"x\": null}", "true",
                                         "[[]]", "-1.5e9", "[true]",        "{\"\": 1}"};
    (void)state;
    EACH_KEY(key)
    {
        for (size_t i = 0; i < sk_array_len(values); i++)
            if (key->kind != SK_KIND_FLAG || strcmp(values[i], "true") != 0)
                refuses(key, values[i]);
    }
}

static void texts_are_no_numbers_and_numbers_no_texts(void **state)
{
    (void)state;
    EACH_KEY(key)
    {
        bool is_amount = key->kind == SK_KIND_CPU || key->kind == SK_KIND_MEMORY;
        if (!is_amount && key->kind != SK_KIND_INTEGER)
            refuses(key, "7");
        if (key->kind == SK_KIND_INTEGER || key->kind == SK_KIND_FLAG)
            refuses(key, "\"7\"");
        if (is_amount)
            refuses(key, "\"much\"");
    }
}

static void numbers_stay_within_their_bounds(void **state)
{
    (void)state;
    EACH_KEY(key)
    {
        char below[32], above[32];
        if (key->kind != SK_KIND_INTEGER)
            continue;
        (void)snprintf(below, sizeof(below), "%lld", (long long)key->low - 1);
        (void)snprintf(above, sizeof(above), "%lld", (long long)key->high + 1);
        refuses(key, below);
        refuses(key, above);
        refuses(key, "1.5");
        refuses(key, "99999999999999999999");
    }
}

/* Longer than any text, or list, may be. */
static void nothing_is_endless(void **state)
{
    enum { LONG = 12000 };
    SK_AUTO_FREE char *text = sk_alloc(LONG + 8);
    SK_AUTO_FREE char *list = sk_alloc(LONG * 4 + 8);

    (void)state;
    (void)snprintf(text, LONG + 8, "\"/%0*d\"", LONG, 0);
    list[0] = '[';
    for (int i = 0; i < LONG; i++)
        memcpy(list + 1 + i * 4, i ? ",\"a\"" : " \"a\"", 4);
    strcpy(list + 1 + LONG * 4, "]");
    EACH_KEY(key)
    {
        refuses(key, text);
        refuses(key, list);
    }
}

static void given_twice_is_told_at_the_second(void **state)
{
    (void)state;
    EACH_KEY(key)
    {
        SK_CLEANUP(reading_fini) struct reading r;
        SK_AUTO_FREE char *text =
            sk_printf("{\n\"%s\": %s,\n\"%s\": %s\n}", key->name, key->fallback, key->name, key->fallback);
        read_text(&r, text);
        must_tell_of(&r, key->name, 3);
        assert_non_null(strstr(r.told, "stands in line 2 already, give it once"));
    }
}

/* A letter too many leads back to the key, or to one that is as near. */
static void a_slip_is_understood(void **state)
{
    (void)state;
    EACH_KEY(key)
    {
        SK_CLEANUP(reading_fini) struct reading r;
        SK_AUTO_FREE char *slip = sk_printf("%sx", key->name);
        SK_AUTO_FREE char *text = sk_printf("{\n\"%s\": 1\n}", slip);
        SK_AUTO_FREE char *told = sk_printf("no such key, did you mean \"%s\"?", key->name);
        read_text(&r, text);
        must_tell_of(&r, slip, 2);
        assert_int_equal(r.faults.count, 1);
        assert_non_null(strstr(r.told, told));
    }
}

/* All at once, each with its line. */
static void one_fault_hides_no_other(void **state)
{
    SK_CLEANUP(reading_fini) struct reading r;
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;
    int line = 1;

    (void)state;
    sk_buf_init(&text, (size_t)64 * 1024);
    assert_int_equal(sk_buf_printf(&text, "{\n"), SK_OK);
    EACH_KEY(key)
    {
        assert_int_equal(
            sk_buf_printf(&text, "\"%s\": null%s\n", key->name, key + 1 == all + count ? "" : ","), SK_OK);
    }
    assert_int_equal(sk_buf_printf(&text, "}"), SK_OK);
    read_text(&r, (const char *)text.data);
    assert_int_equal(r.faults.count, count);
    for (const char *at = r.told; *at; at = strchr(at, '\n') + 1) {
        SK_AUTO_FREE char *head = sk_printf("f:%d: %s: ", line + 1, all[line - 1].name);
        line++;
        assert_int_equal(strncmp(at, head, strlen(head)), 0);
    }
    assert_int_equal(line - 1, count);
}

/* Of each kind, what is nearly right; and what the wish says. */
static void what_is_nearly_right_is_wrong(void **state)
{
    static const struct {
        const char *key, *value, *told;
    } table[] = {
        {"node_id", "\"Node\"", "1 to 12 of a-z and 0-9"},
        {"listen", "[\"127.0.0.1\"]", "\"host:port\""},
        {"api_keys", "[\"short\"]", "is not a usable key"},
        {"tls_certificate", "\"cert.pem\"", "an absolute path, or nothing"},
        {"state_dir", "\"\"", "an absolute path"},
        {"log_level", "\"verbose\"", "\"debug\", \"info\", \"warn\" or \"error\""},
        {"containerd_namespace", "\"k8s io\"", "a name of letters"},
        {"runtime", "\"bin/crun\"", "a program's name or absolute path"},
        {"cgroup_parent", "\"/sandkeep\"", "names separated by"},
        {"image_pull_policy", "\"Always\"", "\"missing\", \"always\" or \"never\""},
        {"image_allow", "[\"python\"]", "a full name like"},
        {"image_prepull", "[\"a b\"]", "an image's name"},
        {"default_image", "\"\"", "an image's name"},
        {"registry_proxy", "\"proxy:3128\"", "a URL like"},
        {"registries", "{\"docker.io\": {\"mirror\": []}}", "no such key, there are mirrors"},
        {"quotas", "{\"a\": {\"cpus\": 1}}", "no such key, there are sandboxes"},
        {"network_name", "\"sandkeepd0\"", "1 to 8 of a-z"},
        {"network_ipv4_pool", "\"10.0.0.0/30\"", "a block of IPv4 addresses"},
        {"network_ipv6_pool", "\"10.0.0.0/16\"", "a block of IPv6 addresses"},
        {"network_forbidden", "[\"10.0.0.1/33\"]", "an address, or a block of them"},
        {"network_reachable", "[\"10.0.0.1/32 icmp 5\"]", "10.0.0.5/32 tcp 5000"},
        {"dns_upstreams", "[\"resolver.example\"]", "192.0.2.53:53"},
        {"dns_internal_names", "[\"Repo.Example\"]", "in lower case"},
        {"edge_address", "\"a:80\"", "without a port"},
        {"edge_listen", "\"localhost\"", "an address"},
        {"edge_ports", "\"2000-1000\"", "ports like"},
        {"edge_domain", "\"box\\u0020x\"", "a domain like"},
        {"default_cpu", "\"1 core\"", "a quantity like"},
        {"default_memory", "\"1K\"", "a quantity like"},
        {"default_environment", "{\"1A\": \"x\"}", "is no variable's name"},
        {"default_environment", "{\"A\": 1}", "is a number, give a string"},
        {"default_environment", "{\"A\": \"1\", \"A\": \"2\"}", "give it once"},
        {"default_user", "\"root\"", "numbers like"},
        {"default_user", "\"4294967295\"", "numbers like"},
        {"default_user", "\"1000:\"", "numbers like"},
        {"default_egress", "\"all\"", "\"internet\" or \"none\""},
        {"drop_capabilities", "[\"NET_RAVE\"]", "the name of a capability"},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++) {
        SK_CLEANUP(reading_fini) struct reading r;
        SK_AUTO_FREE char *text = sk_printf("{\n\"%s\": %s\n}", table[i].key, table[i].value);
        read_text(&r, text);
        must_tell_of(&r, table[i].key, 2);
        if (!strstr(r.told, table[i].told))
            fail_msg("%s: %s", table[i].key, r.told);
    }
}

/* Each key is right alone; together they are not. The fault is told where one of them stands. */
static void what_does_not_fit_together_is_told(void **state)
{
    static const struct {
        const char *text, *told;
    } table[] = {
        {"\"tls_certificate\": \"/c\"", "f:2: tls_key: is missing"},
        {"\"tls_key\": \"/k\"", "f:2: tls_certificate: is missing"},
        {"\"tls_client_ca\": \"/c\"", "f:2: tls_certificate: is missing beside tls_client_ca"},
        {"\"audit_full\": \"refuse_changes\"", "f:2: audit_full: refuses changes only with audit_required"},
        {"\"audit_required\": true,\n\"audit\": false,\n\"audit_full\": \"refuse_changes\"",
         "f:4: audit_full: refuses changes only with audit_required"},
        {"\"audit_required\": true,\n\"audit_full\": \"refuse_changes\",\n\"audit_files\": 1",
         "f:3: audit_files: is 1, which audit_full"},
        {"\"ceiling_cpu\": \"999m\"", "f:2: ceiling_cpu: is below default_cpu, give at least \"1000m\""},
        {"\"default_memory\": \"2Gi\",\n\"ceiling_memory\": \"1Gi\"", "f:3: ceiling_memory: is below"},
        {"\"max_lifetime_s\": 60,\n\"default_lifetime_s\": 61",
         "f:3: default_lifetime_s: is above max_lifetime_s, give at most 60"},
        {"\"max_idle_timeout_s\": 9,\n\"default_idle_timeout_s\": 10",
         "f:3: default_idle_timeout_s: is above max_idle_timeout_s, give at most 9"},
        {"\"max_lease_s\": 59", "f: default_lease_s: is above max_lease_s, give at most 59"},
        {"\"image_disk_low_percent\": 86", "f:2: image_disk_low_percent: is above"},
        {"\"containerd_transfer\": true,\n\"registry_proxy\": \"http://p\"",
         "f:2: containerd_transfer: is true"},
        {"\"containerd_transfer\": true,\n\"registries\": {\"a.b\": {}}",
         "f:2: containerd_transfer: is true"},
        {"\"network_ipv4_pool\": \"127.0.0.0/16\"", "f:2: network_ipv4_pool: has 127.0.0.0"},
        {"\"dns_upstreams\": [\"10.231.0.9\"]", "f:2: dns_upstreams[0]: \"10.231.0.9\" lies in a pool"},
        {"\"network\": \"cni\"", "f:2: cni_config: is missing"},
        {"\"edge_domain\": \"box.example.com\"", "f:2: edge_certificate: is missing beside edge_domain"},
        {"\"edge_certificate\": \"/c\"", "f:2: edge_domain: is missing beside edge_certificate"},
        {"\"edge_ports\": \"20000-25000\"", "f:2: edge_ports: are 5001 ports, give up to 4096"},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++) {
        SK_CLEANUP(reading_fini) struct reading r;
        SK_AUTO_FREE char *text = sk_printf("{\n%s\n}", table[i].text);
        read_text(&r, text);
        if (r.is_right || strncmp(r.told, table[i].told, strlen(table[i].told)) != 0)
            fail_msg("of %s this is told: %s", table[i].text, r.told);
    }
}

/* What a daemon takes for its own, others must not have. */
static void what_is_others_is_refused(void **state)
{
    static const struct {
        const char *key, *value;
        bool is_ours;
    } table[] = {
        {"containerd_namespace", "default", false},
        {"containerd_namespace", "k8s.io", false},
        {"containerd_namespace", "moby", false},
        {"containerd_namespace", "buildkit", false},
        {"containerd_namespace", "sandkeep", true},
        {"containerd_namespace", "default2", true},
        {"network_name", "filter", false},
        {"network_name", "nat", false},
        {"network_name", "br", false},
        {"network_name", "docker", false},
        {"network_name", "veth", false},
        {"network_name", "wg", false},
        {"network_name", "sandkeep", true},
        {"network_name", "nghijklm", true},
        {"state_dir", "/", false},
        {"state_dir", "/srv", false},
        {"state_dir", "/var", false},
        {"state_dir", "/var/lib", false},
        {"state_dir", "/var/lib/", false},
        {"state_dir", "/var//lib", false},
        {"state_dir", "/srv/../var/lib", false},
        {"state_dir", "/var/log", false},
        {"state_dir", "/etc/sandkeep", false},
        {"state_dir", "/usr/lib/sandkeep", false},
        {"state_dir", "/var/lib/sandkeep", true},
        {"state_dir", "/tmp/x", true},
        {"state_dir", "/srv/.sandkeep", true},
        {"state_dir", "/srv/..sandkeep", true},
        {"run_dir", "/run", false},
        {"run_dir", "/tmp", false},
        {"run_dir", "/var/run", false},
        {"run_dir", "/run/user", false},
        {"run_dir", "/run/x", true},
        {"run_dir", "/tmp/x/run", true},
    };

    (void)state;
    for (size_t i = 0; i < sk_array_len(table); i++) {
        SK_CLEANUP(reading_fini) struct reading r;
        SK_AUTO_FREE char *text = sk_printf("{\n\"%s\": \"%s\"\n}", table[i].key, table[i].value);
        read_text(&r, text);
        if (r.is_right != table[i].is_ours)
            fail_msg("%s \"%s\": %s", table[i].key, table[i].value, r.is_right ? "was accepted" : r.told);
        if (!table[i].is_ours)
            must_tell_of(&r, table[i].key, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_takes_null_or_another_kind),
        cmocka_unit_test(texts_are_no_numbers_and_numbers_no_texts),
        cmocka_unit_test(numbers_stay_within_their_bounds),
        cmocka_unit_test(nothing_is_endless),
        cmocka_unit_test(given_twice_is_told_at_the_second),
        cmocka_unit_test(a_slip_is_understood),
        cmocka_unit_test(one_fault_hides_no_other),
        cmocka_unit_test(what_is_nearly_right_is_wrong),
        cmocka_unit_test(what_does_not_fit_together_is_told),
        cmocka_unit_test(what_is_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
