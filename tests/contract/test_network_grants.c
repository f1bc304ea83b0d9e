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
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(grant(s, "n1-a", V4_A, 60), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &granted), SK_OK);
    bool early = lab_reaches(place.netns, SOCK_STREAM, V4_A, 443);
    assert_int_equal(grant(s, "n1-a", V4_A, 1) | grant(s, "n1-a", V6_A, 60) | grant(s, "n1-a", V6_A, 1), 0);
    int old = lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 443);
    struct lab_cell cells[] = {{place.netns, SOCK_STREAM, V4_A, 80},
                               {place.netns, SOCK_DGRAM, V4_A, 443},
                               {place.netns, SOCK_STREAM, V4_B, 443},
                               {place.netns, SOCK_STREAM, V6_A, 443}};
    lab_try(cells, sk_array_len(cells));
    (void)usleep(1500 * 1000);
    bool late = lab_reaches(place.netns, SOCK_STREAM, V4_A, 443);
    bool late6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443); /* the longer lifetime holds */
    enum sk_code again = apply(s, "n1-a", &granted);
    bool old_goes_on = lab_echo(old, 500), kept6 = lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    enum sk_code changed = apply(s, "n1-a", &fewer);
    bool old_is_cut = !lab_echo(old, 500), gone6 = !lab_reaches(place.netns, SOCK_STREAM, V6_A, 443);
    (void)close(old);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_false(early || late || cells[0].reached || cells[1].reached || cells[2].reached);
    assert_true(cells[3].reached && late6);
    assert_int_equal(again | changed, SK_OK);
    assert_true(old_goes_on && kept6);
    assert_true(old_is_cut && gone6);
}

NETWORK_MAIN(NULL, IN_LAB(test_grants))
