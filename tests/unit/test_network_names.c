/* Who may ask for which name, what a granted one opens, and what is told of it all. */
#include "support/network_rig.h"

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* RUNNING, with rules for *.example.com (but bad.example.com) and pypi.org. */
static struct sk_sandbox *running(struct world *w, enum sk_net_dns dns)
{
    char *except[] = {text("bad.example.com"), NULL};
    struct sk_net_rule rules[] = {
        {.peer = SK_NET_TENANT},
        {.peer = SK_NET_NAME, .name = text("*.example.com"), .name_except = except},
        {.peer = SK_NET_NAME, .name = text("pypi.org")},
    };
    struct sk_net_policy policy = {.tenant = text(""), .egress = rules, .egress_count = 3, .dns = dns};
    struct answer created;
    struct sk_record *record = world_record(w, "");

    record->spec.network = sk_net_policy_copy(&record->arena, &policy);
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    return created.sandbox;
}

static enum sk_name_leave leave(struct world *w, const struct sk_sandbox *s, const char *name)
{
    const struct sk_fake_asked *asked = sk_fake_names_ask(w->names, &sk_sandbox_place(s)->ipv4, name);
    enum sk_name_leave first = asked->leave;

    world_settle(w);
    assert_int_equal(sk_fake_names_ask(w->names, &sk_sandbox_place(s)->ipv6, name)->leave, first);
    world_settle(w);
    return first;
}

static void test_who_may_ask(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *granted = running(&w, SK_NET_DNS_GRANTED), *all = running(&w, SK_NET_DNS_ALL),
                      *none = running(&w, SK_NET_DNS_NONE);
    static const struct {
        const char *name;
        bool is_granted;
    } cases[] = {{"a.example.com", true},       {"pypi.org", true},         {"bad.example.com", false},
                 {"example.com", false},        {"a.b.example.com", false}, {"files.pypi.org", false},
                 {"a.example.com.evil", false}, {"xpypi.org", false},       {"", false}};
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        const char *name = cases[i].name;
        bool fits = cases[i].is_granted;
        assert_int_equal(leave(&w, granted, name), fits ? SK_NAME_GRANTED : SK_NAME_REFUSED);
        assert_int_equal(leave(&w, all, name), fits ? SK_NAME_GRANTED : SK_NAME_ANSWERED);
        assert_int_equal(leave(&w, none, name), SK_NAME_REFUSED);
    }
    world_fini(&w);
}

static void test_strangers_are_ignored(void **state)
{
    struct world w;
    struct sk_ip stranger = {false, {10, 9, 8, 7}}, v6 = {true, {0x20, 1}};
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_ALL);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    assert_int_equal(sk_fake_names_ask(w.names, &stranger, "pypi.org")->leave, SK_NAME_IGNORED);
    assert_int_equal(sk_fake_names_ask(w.names, &v6, "pypi.org")->leave, SK_NAME_IGNORED);
    sk_fake_names_deny(w.names, &stranger, "pypi.org", "refused");
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(sk_fake_names_ask(w.names, &ip, "pypi.org")->leave, SK_NAME_IGNORED);
    world_stop(&w);
    assert_int_equal(sk_fake_names_ask(w.names, &ip, "pypi.org")->leave, SK_NAME_IGNORED);
    world_start(&w);
    world_fini(&w);
}

/* --- grants ---------------------------------------------------------------------------------- */

static void test_what_a_granted_name_opens(void **state)
{
    static const struct sk_network_grant told[] = {
        {{false, {93, 184, 216, 34}}, 0},
        {{false, {93, 184, 216, 35}}, 300},
        {{true, {0x26, 0x06}}, UINT32_MAX},
    };
    static const uint32_t lifetimes[] = {90, 360, 3600};
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_ALL);
    sk_fake_names_say(w.names, "pypi.org", told, 3);
    const struct sk_fake_asked *asked = sk_fake_names_ask(w.names, &sk_sandbox_place(s)->ipv4, "pypi.org");
    world_settle(&w);
    assert_true(asked->is_over);
    assert_int_equal(asked->err.code, SK_OK);
    const struct sk_fake_attached *there = attached(&w, s->record->id);
    assert_int_equal(there->grant_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(sk_ip_equal(&there->grants[i].ip, &told[i].ip));
        assert_int_equal(there->grants[i].lifetime_s, lifetimes[i]);
        assert_string_equal(there->grants[i].name, "pypi.org");
        assert_int_equal(asked->told[i].lifetime_s, told[i].lifetime_s);
    }
    asked = sk_fake_names_ask(w.names, &sk_sandbox_place(s)->ipv4, "other.org"); /* answered, opens nothing */
    world_settle(&w);
    assert_true(asked->is_over);
    assert_int_equal(attached(&w, s->record->id)->grant_count, 3);
    world_fini(&w);
}

static void test_what_cannot_be_opened_is_not_told(void **state)
{
    struct world w;
    struct calls calls = {0};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    calls_bend(&calls, "network.grant", SK_FAKE_FAIL, 1);
    world_hook(&w, calls_hook, &calls);
    const struct sk_fake_asked *asked = sk_fake_names_ask(w.names, &sk_sandbox_place(s)->ipv4, "pypi.org");
    world_settle(&w);
    assert_true(asked->is_over);
    assert_int_equal(asked->err.code, SK_UNAVAILABLE);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* While others are looked for far away, the asker may end, or have other rules. */
static void later(struct world *w, const struct sk_ip *asker, const char *name, struct answer *answer)
{
    static const struct sk_network_grant grant = {{false, {93, 184, 216, 34}}, 60};

    answer_init(answer);
    sk_network_names_events.on_granted(w->node, asker, name, &grant, 1, &answer->done);
}

static void test_the_asker_has_ended(void **state)
{
    struct world w;
    struct answer deleted, granted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    later(&w, &ip, "pypi.org", &granted);
    world_settle(&w);
    assert_int_equal(granted.count, 1);
    assert_int_equal(granted.err.code, SK_NOT_FOUND);
    world_fini(&w);
}

/* Its address may be another's by then, who has not asked. */
static void test_the_asker_ends_meanwhile(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer deleted, granted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    sk_fake_network_calls(w.network)->limit = SK_SEC(3);
    calls_bend(&calls, "network.grant", SK_FAKE_HANG, 1);
    world_hook(&w, calls_hook, &calls);
    later(&w, &ip, "pypi.org", &granted);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_TERMINATED);
    assert_int_equal(granted.count, 0);
    world_advance(&w, SK_SEC(4));
    assert_int_equal(granted.count, 1);
    assert_int_not_equal(granted.err.code, SK_OK);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_the_rules_have_changed(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer changed, granted;
    struct sk_net_policy other = {.tenant = text(""), .dns = SK_NET_DNS_ALL};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    world_hook(&w, calls_hook, &calls);
    answer_init(&changed);
    sk_node_set_network(w.node, s, &other, NULL, 0, &changed.done);
    later(&w, &ip, "pypi.org", &granted); /* it is not told which rules it would meet */
    world_settle(&w);
    assert_int_equal(granted.err.code, SK_UNAVAILABLE);
    assert_int_equal(changed.err.code, SK_OK);
    later(&w, &ip, "pypi.org", &granted);
    world_settle(&w);
    assert_int_equal(granted.err.code, SK_FAILED_PRECONDITION);
    assert_false(called(&calls, "network.grant"));
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void test_what_a_change_leaves_open(void **state)
{
    static const struct sk_network_grant first = {{false, {93, 184, 216, 34}}, 60},
                                         second = {{false, {93, 184, 216, 35}}, 60};
    struct world w;
    struct answer changed;
    struct sk_net_rule rule = {.peer = SK_NET_NAME, .name = text("pypi.org")};
    struct sk_net_policy fewer = {
        .tenant = text(""), .egress = &rule, .egress_count = 1, .dns = SK_NET_DNS_GRANTED};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    sk_fake_names_say(w.names, "pypi.org", &first, 1);
    sk_fake_names_say(w.names, "a.example.com", &second, 1);
    (void)leave(&w, s, "pypi.org");
    (void)leave(&w, s, "a.example.com");
    assert_int_equal(attached(&w, s->record->id)->grant_count, 4); /* asked twice each */
    answer_init(&changed);
    sk_node_set_network(w.node, s, &fewer, NULL, 0, &changed.done);
    world_settle(&w);
    assert_int_equal(changed.err.code, SK_OK);
    const struct sk_fake_attached *there = attached(&w, s->record->id);
    assert_int_equal(there->grant_count, 2);
    for (size_t i = 0; i < there->grant_count; i++)
        assert_true(sk_ip_equal(&there->grants[i].ip, &first.ip));
    world_fini(&w);
}

static void test_the_daemon_stops(void **state)
{
    struct world w;
    struct calls calls = {0};
    struct answer granted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    sk_fake_network_calls(w.network)->limit = SK_SEC(3);
    calls_bend(&calls, "network.grant", SK_FAKE_HANG, 1);
    world_hook(&w, calls_hook, &calls);
    later(&w, &ip, "pypi.org", &granted);
    world_stop(&w); /* waits for it */
    assert_int_equal(granted.count, 1);
    world_hook(&w, NULL, NULL);
    world_start(&w);
    world_fini(&w);
}

/* --- what is told -------------------------------------------------------------------------------- */

static void report(struct world *w, struct sk_sandbox *s, struct sk_network_report *out)
{
    struct answer done;

    answer_init(&done);
    sk_node_report_network(w->node, s, out, &done.done);
    world_settle(w);
    assert_int_equal(done.count, 1);
    assert_int_equal(done.err.code, SK_OK);
}

static void tell_denied(struct world *w, const char *id, const struct sk_ip *source,
                        const struct sk_ip *destination, const char *rule)
{
    sk_fake_network_tell(w->network, &(struct sk_network_event){
                                         .kind = SK_NETWORK_DENIED,
                                         .id = id,
                                         .source = *source,
                                         .destination = *destination,
                                         .protocol = SK_NET_TCP,
                                         .port = 25,
                                         .rule = rule,
                                     });
}

static void test_denials(void **state)
{
    struct world w;
    struct sk_network_report *r = sk_alloc(sizeof(*r));
    struct sk_ip outside = {false, {192, 0, 2, 1}};
    struct answer deleted;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED), *other = running(&w, SK_NET_DNS_GRANTED);
    struct sk_ip ip = sk_sandbox_place(s)->ipv4;
    tell_denied(&w, s->record->id, &ip, &outside, "egress");
    tell_denied(&w, "", &outside, &ip, "ingress");
    tell_denied(&w, "", &outside, &outside, "egress"); /* whoever that was */
    sk_fake_edge_tell(
        w.edge, &(struct sk_edge_denial){
                    .source = ip, .destination = outside, .port = 443, .name = "evil.org", .why = "name"});
    sk_fake_names_deny(w.names, &ip, "evil.example", "refused");
    sk_fake_network_set_counts(w.network, s->record->id, &(struct sk_network_counts){1, 2, 3});
    (void)leave(&w, s, "pypi.org");
    report(&w, s, r);
    assert_true(r->has_place);
    assert_true(sk_ip_equal(&r->place.ipv4, &ip));
    assert_int_equal(r->counts.denied_packets, 3);
    assert_int_equal(r->names_asked, 2);
    assert_int_equal(r->names_denied, 1);
    assert_int_equal(r->denial_count, 4);
    assert_string_equal(r->denials[0].rule, "refused");
    assert_string_equal(r->denials[0].name, "evil.example");
    assert_int_equal(r->denials[0].port, 53);
    assert_string_equal(r->denials[1].rule, "name");
    assert_string_equal(r->denials[1].name, "evil.org");
    assert_int_equal(r->denials[1].port, 443);
    assert_true(sk_ip_equal(&r->denials[1].ip, &outside));
    assert_string_equal(r->denials[2].rule, "ingress");
    assert_true(sk_ip_equal(&r->denials[2].ip, &outside)); /* the other end, as ever */
    assert_string_equal(r->denials[3].rule, "egress");
    assert_true(sk_ip_equal(&r->denials[3].ip, &outside));
    assert_int_equal(r->denials[3].port, 25);
    assert_true(r->denials[3].at.ns > 0);
    report(&w, other, r);
    assert_int_equal(r->denial_count, 0);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_settle(&w);
    tell_denied(&w, "n1-gone", &ip, &outside, "egress");
    report(&w, s, r); /* what it ran against can be read when it is over */
    assert_false(r->has_place);
    assert_int_equal(r->denial_count, 4);
    free(r);
    world_fini(&w);
}

struct lines {
    struct sk_log log;
    int denied, restored;
};

static void count_line(void *arg, const char *line, size_t len)
{
    struct lines *lines = arg;

    (void)len;
    lines->denied += strstr(line, "\"network.denied\"") != NULL;
    lines->restored += strstr(line, "\"network.restored\"") != NULL;
}

static void test_what_is_logged(void **state)
{
    struct world w;
    struct lines lines = {.log = {.level = SK_INFO, .sink = count_line}};
    struct sk_ip outside = {false, {192, 0, 2, 1}};

    (void)state;
    lines.log.arg = &lines;
    world_init(&w);
    world_stop(&w);
    w.log = &lines.log;
    world_start(&w);
    struct sk_sandbox *s = running(&w, SK_NET_DNS_GRANTED);
    for (int i = 0; i < 1000; i++)
        tell_denied(&w, s->record->id, &sk_sandbox_place(s)->ipv4, &outside, "egress");
    assert_int_equal(lines.denied, 5);
    assert_int_equal(sk_node_network_restored(w.node), 0);
    for (int i = 0; i < 2; i++)
        sk_fake_network_tell(w.network, &(struct sk_network_event){.kind = SK_NETWORK_RESTORED});
    assert_int_equal(sk_node_network_restored(w.node), 2);
    assert_int_equal(lines.restored, 2);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_ask),
        cmocka_unit_test(test_strangers_are_ignored),
        cmocka_unit_test(test_what_a_granted_name_opens),
        cmocka_unit_test(test_what_cannot_be_opened_is_not_told),
        cmocka_unit_test(test_the_asker_has_ended),
        cmocka_unit_test(test_the_asker_ends_meanwhile),
        cmocka_unit_test(test_the_rules_have_changed),
        cmocka_unit_test(test_what_a_change_leaves_open),
        cmocka_unit_test(test_the_daemon_stops),
        cmocka_unit_test(test_denials),
        cmocka_unit_test(test_what_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
