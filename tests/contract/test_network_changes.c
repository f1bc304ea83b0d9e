/* Rules that change while packets pass, by us and by others, and what is told
 * of them. In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

/* Connections of a sandbox that left are not the next one's. */
static void test_connections_leave(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    char v4[SK_IP_TEXT_MAX], line[200];
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    sk_ip_print(&place.ipv4, v4);
    (void)snprintf(line, sizeof(line), "grep -q 'src=%s ' /proc/net/nf_conntrack", v4);
    int fd = lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 80);
    int before = lab_run("test -e /proc/net/nf_conntrack") ? 0 : lab_run("%s", line);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    bool left = lab_await("! %s", line);
    (void)close(fd);
    assert_int_equal(before, 0);
    assert_true(left);
}

static void test_denials_are_told(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct heard heard = {.rule = "egress", .loop = s->loop};
    struct sk_ip wanted;
    assert_int_equal(sk_ip_parse(V4_B, &wanted, NULL), SK_OK);
    assert_int_equal(attach(s, "n1-told", false, &place), SK_OK);
    s->network->ops->listen(s->network, hear, &heard);
    bool kept_from = lab_is_kept_from(place.netns, SOCK_STREAM, V4_B, 443);
    bool told = sk_wait_until(s->loop, &heard.denied, SK_SEC(60));
    s->network->ops->listen(s->network, ignore_all, NULL);
    assert_int_equal(detach(s, "n1-told"), SK_OK);
    assert_true(kept_from);
    assert_true(told);
    assert_string_equal(heard.id, "n1-told");
    assert_true(sk_ip_equal(&heard.event.destination, &wanted));
    assert_true(sk_ip_equal(&heard.event.source, &place.ipv4));
    assert_int_equal(heard.event.protocol, IPPROTO_TCP);
    assert_int_equal(heard.event.port, 443);
}

static void test_tightening_cuts(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_net_rule one = {.peer = SK_NET_CIDR, .cidr = block(V4_A "/32")};
    struct sk_net_policy narrow = {.tenant = acme, .egress = &one, .egress_count = 1};
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(apply(s, "n1-a", &allow_any), SK_OK);
    int fds[] = {lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 80),
                 lab_connect_inside(place.netns, SOCK_STREAM, V4_B, 80),
                 lab_connect_inside(place.netns, SOCK_STREAM, V6_A, 80),
                 lab_connect_inside(place.netns, SOCK_DGRAM, V4_B, 53)};
    bool before[4], after[4];
    for (int i = 0; i < 4; i++)
        before[i] = lab_echoes(fds[i]);
    enum sk_code narrowed = apply(s, "n1-a", &narrow);
    for (int i = 0; i < 4; i++)
        after[i] = i == 0 ? lab_echoes(fds[i]) : !lab_is_cut(fds[i]);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_true(before[0] && before[1] && before[2] && before[3]);
    assert_int_equal(narrowed, SK_OK);
    assert_true(after[0]);
    assert_false(after[1] || after[2] || after[3]);
}

static void test_somebody_flushes(void **state)
{
    static const char *const deeds[] = {"nft flush ruleset", "nft insert rule inet skl outward accept",
                                        "nft delete table inet skl"};
    struct network_suite *s = *state;
    struct sk_network_place open, shut;
    struct sk_net_rule name = {.peer = SK_NET_NAME, .name = example};
    struct sk_net_policy granted = {.tenant = acme, .egress = &name, .egress_count = 1};
    assert_int_equal(attach(s, "n1-a", false, &open) | attach(s, "n1-b", false, &shut), 0);
    assert_int_equal(apply(s, "n1-a", &granted) | apply(s, "n1-b", &deny_all), 0);
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S), SK_OK);
    for (size_t i = 0; i < sk_array_len(deeds); i++) {
        struct heard heard = {.rule = "", .loop = s->loop};
        s->network->ops->listen(s->network, hear, &heard);
        int done = lab_run("%s", deeds[i]);
        bool told = sk_wait_until(s->loop, &heard.restored, SK_SEC(60));
        s->network->ops->listen(s->network, ignore_all, NULL);
        struct lab_cell cells[] = {{open.netns, SOCK_STREAM, V4_A, 443, true},
                                   {open.netns, SOCK_STREAM, V4_A, 80},
                                   {shut.netns, SOCK_STREAM, V4_A, 443}};
        lab_try(cells, sk_array_len(cells));
        assert_int_equal(done, 0);
        assert_true(told);
        assert_true(cells[0].reached);
        assert_false(cells[1].reached || cells[2].reached);
    }
    /* Gone at the very moment when something is wanted. */
    int done = lab_run("nft flush ruleset");
    enum sk_code applied = apply(s, "n1-b", &allow_any);
    bool reaches = lab_reaches(shut.netns, SOCK_STREAM, V4_A, 80);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_int_equal(done, 0);
    assert_int_equal(applied, SK_OK);
    assert_true(reaches);
}

static void test_rules_outlive_the_daemon(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place open, shut, again;
    assert_int_equal(attach(s, "n1-a", false, &open) | attach(s, "n1-b", false, &shut), 0);
    assert_int_equal(apply(s, "n1-a", &allow_any) | apply(s, "n1-b", &deny_all), 0);
    int fd = lab_connect_inside(open.netns, SOCK_STREAM, V4_A, 80);
    struct lab_cell gone[] = {{open.netns, SOCK_STREAM, V4_A, 80, true}, {shut.netns, SOCK_STREAM, V4_A, 80}};
    struct lab_cell back[] = {{open.netns, SOCK_STREAM, V6_A, 80, true}, {shut.netns, SOCK_STREAM, V6_A, 80}};
    real_stop(r);
    lab_try(gone, 2);
    if (!real_start(r))
        abort();
    lab_try(back, 2);
    bool goes_on = lab_echoes(fd);
    enum sk_code attached = attach(s, "n1-a", false, &again), applied = apply(s, "n1-a", &deny_all);
    bool is_cut = lab_is_cut(fd), is_shut = lab_is_kept_from(open.netns, SOCK_STREAM, V4_A, 80);
    (void)close(fd);
    assert_int_equal(detach(s, "n1-a") | detach(s, "n1-b"), 0);
    assert_true(gone[0].reached && !gone[1].reached);
    assert_true(back[0].reached && !back[1].reached);
    assert_true(goes_on);
    assert_int_equal(attached | applied, SK_OK);
    assert_string_equal(again.netns, open.netns);
    assert_true(is_cut && is_shut);
}

NETWORK_MAIN(NULL, IN_LAB(test_connections_leave), IN_LAB(test_denials_are_told),
             IN_LAB(test_tightening_cuts), IN_LAB(test_somebody_flushes),
             IN_LAB(test_rules_outlive_the_daemon))
