/* HTTPS to granted names where nobody looks at them: the address is enough.
 * In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

static void test_grants(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_net_rule names[] = {{.peer = SK_NET_NAME, .name = example},
                                  {.peer = SK_NET_NAME, .name = other_name}};
    struct sk_net_policy granted = {
        .tenant = acme, .egress = names, .egress_count = 2, .dns = SK_NET_DNS_GRANTED};
    struct sk_net_policy fewer = granted;
    fewer.egress_count = 1;
    struct sk_net_policy other = fewer;
    other.egress = &names[1];
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, LONG_S), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &granted), SK_OK);
    bool early = !lab_is_kept_from(place.netns, SOCK_STREAM, V4_A, 443);
    assert_int_equal(grant(s, "n1-a", V6_A, LONG_S) | grant(s, "n1-a", V6_A, 1), 0);
    int old = connect_by_short_grant(s, "n1-a", place.netns, V4_A);
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V4_A, 80},
                               {place.netns, SOCK_DGRAM, V4_A, 443},
                               {place.netns, SOCK_STREAM, V4_B, 443},
                               {place.netns, SOCK_STREAM, V6_A, 443, true}};
    lab_try(cells, sk_array_len(cells));
    (void)usleep(1500 * 1000);
    bool late = !lab_is_kept_from(place.netns, SOCK_STREAM, V4_A, 443);
    bool late6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443); /* the longer lifetime holds */
    enum sk_code again = apply(s, "n1-a", &granted);
    bool old_goes_on = lab_echoes(old), kept6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    enum sk_code changed = apply(s, "n1-a", &fewer);
    bool still_goes_on = lab_echoes(old), still6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    enum sk_code to_other = apply(s, "n1-a", &other);
    bool old_is_cut = lab_is_cut(old), gone6 = lab_is_kept_from(place.netns, SOCK_STREAM, V6_A, 443);
    (void)close(old);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_false(early || late || cells[0].reached || cells[1].reached || cells[2].reached);
    assert_true(cells[3].reached && late6);
    assert_int_equal(again | changed | to_other, SK_OK);
    assert_true(old_goes_on && kept6);
    assert_true(still_goes_on && still6);
    assert_true(old_is_cut && gone6);
}

/* Each address lives as long as any of its names is granted, and no longer than that name was told to. */
static void test_changes_keep_names_that_stay(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    char pattern[] = "*.example.net", bad[] = "bad.example.net", *except[] = {bad, NULL};
    struct sk_net_rule rules[] = {{.peer = SK_NET_NAME, .name = pattern},
                                  {.peer = SK_NET_NAME, .name = example}};
    struct sk_net_policy wide = {.tenant = acme, .egress = rules, .egress_count = 2}, narrow = wide;
    assert_int_equal(attach(s, "n1-a", false, &place) | apply(s, "n1-a", &wide), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "good.example.net", V4_A, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "bad.example.net", V4_B, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "bad.example.net", V6_A, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", example, V6_A, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "bad.example.net", V6_B, LONG_S), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "good.example.net", V6_B, 1), SK_OK);
    const char *const hosts[] = {V4_A, V4_B, V6_A, V6_B};
    int fds[4];
    bool before[4], after[4];
    for (int i = 0; i < 4; i++)
        fds[i] = lab_connect_inside(place.netns, SOCK_STREAM, hosts[i], 443);
    (void)usleep(1100 * 1000);
    for (int i = 0; i < 4; i++)
        before[i] = lab_echoes(fds[i]);
    rules[0].name_except = except;
    enum sk_code narrowed = apply(s, "n1-a", &narrow);
    for (int i = 0; i < 4; i++)
        after[i] = i == 1 ? !lab_is_cut(fds[i]) : lab_echoes(fds[i]);
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V4_A, 443, true},
                               {place.netns, SOCK_STREAM, V4_B, 443},
                               {place.netns, SOCK_STREAM, V6_A, 443, true},
                               {place.netns, SOCK_STREAM, V6_B, 443}};
    lab_try(cells, sk_array_len(cells));
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(narrowed, SK_OK);
    assert_true(before[0] && before[1] && before[2] && before[3]);
    assert_true(after[0] && !after[1] && after[2] && after[3]);
    assert_true(cells[0].reached && !cells[1].reached && cells[2].reached);
    assert_false(cells[3].reached); /* what stays of it has had its time */
}

NETWORK_MAIN(NULL, IN_LAB(test_grants), IN_LAB(test_changes_keep_names_that_stay))
