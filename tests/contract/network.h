/* network.h: the suite of the network contract (drivers/network.h): what any
 * driver of it promises, without packets. A program that includes it opens a
 * driver, fills in a struct network_suite, and calls run_network_suite(). */
#ifndef SK_CONTRACT_NETWORK_H
#define SK_CONTRACT_NETWORK_H

#include "contract/network_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* --- what is promised ----------------------------------------------------------------- */

static void test_same_place_again(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place first, again, other;
    assert_int_equal(attach(s, "n1-a", false, &first), SK_OK);
    assert_int_equal(attach(s, "n1-b", false, &other), SK_OK);
    assert_int_equal(attach(s, "n1-a", false, &again), SK_OK);
    assert_string_equal(first.netns, again.netns);
    assert_true(sk_ip_equal(&first.ipv4, &again.ipv4));
    assert_string_not_equal(first.netns, other.netns);
    assert_false(sk_ip_equal(&first.ipv4, &other.ipv4));
    assert_false(first.is_closed || other.is_closed);
    assert_true(first.resolver.bytes[0] && !first.resolver.is_v6);
    assert_true(sk_ip_equal(&first.resolver, &other.resolver));
    assert_false(sk_ip_equal(&first.resolver, &first.ipv4));
    assert_true(first.has_ipv6 && first.ipv6.is_v6 && !sk_ip_equal(&first.ipv6, &other.ipv6));
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(detach(s, "n1-b"), SK_OK);
}

static void test_detach_twice(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(detach(s, "never-there"), SK_OK);
}

static void test_closed_has_no_address(void **state)
{
    static const struct sk_ip none = {0};
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct sk_network_counts counts;
    assert_int_equal(attach(s, "n1-closed", true, &place), SK_OK);
    assert_true(place.netns[0] != '\0');
    assert_true(sk_ip_equal(&place.ipv4, &none));
    assert_true(sk_ip_equal(&place.resolver, &none));
    assert_true(place.is_closed);
    assert_false(place.has_ipv6);
    assert_int_equal(read_counts(s, "n1-closed", &counts), SK_OK);
    assert_int_equal(counts.sent_bytes + counts.received_bytes + counts.denied_packets, 0);
    assert_int_equal(detach(s, "n1-closed"), SK_OK);
}

static void test_counts_of_nobody(void **state)
{
    struct sk_network_counts counts;
    assert_int_equal(read_counts(*state, "never-there", &counts), SK_NOT_FOUND);
}

static void test_address_rests(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place before, after;
    assert_int_equal(attach(s, "n1-a", false, &before), SK_OK);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(attach(s, "n1-b", false, &after), SK_OK);
    assert_false(sk_ip_equal(&before.ipv4, &after.ipv4));
    assert_int_equal(detach(s, "n1-b"), SK_OK);
}

static void test_litter(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place open, closed;
    assert_int_equal(attach(s, "n1-open", false, &open), SK_OK);
    assert_int_equal(attach(s, "n1-closed", true, &closed), SK_OK);
    assert_int_equal(count_litter(s, "n1-open"), 1);
    assert_int_equal(count_litter(s, "n1-closed"), 1);
    assert_int_equal(remove_litter(s, "n1-open"), SK_OK);
    assert_int_equal(remove_litter(s, "n1-closed"), SK_OK);
    assert_int_equal(remove_litter(s, "n1-open"), SK_OK);
    assert_int_equal(count_litter(s, "n1-open") + count_litter(s, "n1-closed"), 0);
}

static void test_places_outlive_the_daemon(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place before, after, closed, closed_after, other;
    assert_int_equal(attach(s, "n1-a", false, &before), SK_OK);
    assert_int_equal(attach(s, "n1-c", true, &closed), SK_OK);
    s->restart(s);
    assert_int_equal(count_litter(s, "n1-a"), 1);
    assert_int_equal(count_litter(s, "n1-c"), 1);
    assert_int_equal(attach(s, "n1-b", false, &other), SK_OK);
    assert_false(sk_ip_equal(&before.ipv4, &other.ipv4));
    assert_int_equal(attach(s, "n1-a", false, &after), SK_OK);
    assert_string_equal(before.netns, after.netns);
    assert_true(sk_ip_equal(&before.ipv4, &after.ipv4) && sk_ip_equal(&before.ipv6, &after.ipv6));
    assert_int_equal(attach(s, "n1-c", true, &closed_after), SK_OK);
    assert_string_equal(closed.netns, closed_after.netns);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(detach(s, "n1-b"), SK_OK);
    assert_int_equal(detach(s, "n1-c"), SK_OK);
}

static void test_pool_runs_out(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    char id[32];
    size_t count = 0;
    enum sk_code code = SK_OK;
    for (; count <= s->addresses; count++) {
        (void)snprintf(id, sizeof(id), "n1-%zu", count);
        code = attach(s, id, false, &place);
        if (code != SK_OK)
            break;
    }
    enum sk_code closed = attach(s, "n1-closed", true, &place);
    enum sk_code known = attach(s, "n1-0", false, &place);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id, sizeof(id), "n1-%zu", i);
        assert_int_equal(detach(s, id), SK_OK);
    }
    assert_int_equal(detach(s, "n1-closed"), SK_OK);
    assert_in_range(count, 1, s->addresses); /* others may be at rest */
    assert_int_equal(code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(closed, SK_OK);
    assert_int_equal(known, SK_OK);
}

static void test_policies(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    char tenant[] = "acme", name[] = "example.com";
    struct sk_net_rule any = {.peer = SK_NET_ANY}, named = {.peer = SK_NET_NAME, .name = name};
    struct sk_net_policy shut = {.tenant = tenant, .dns = SK_NET_DNS_NONE};
    struct sk_net_policy open = {.tenant = tenant, .egress = &any, .egress_count = 1};
    struct sk_net_policy by_name = {.tenant = tenant, .egress = &named, .egress_count = 1};
    assert_int_equal(apply(s, "never-there", &open), SK_NOT_FOUND);
    assert_int_equal(grant(s, "never-there", "192.0.2.1", 60), SK_NOT_FOUND);
    assert_int_equal(attach(s, "n1-a", false, &place), SK_OK);
    assert_int_equal(attach(s, "n1-c", true, &place), SK_OK);
    assert_int_equal(grant(s, "n1-a", "192.0.2.1", 60), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &by_name), SK_OK);
    assert_int_equal(apply(s, "n1-a", &by_name), SK_OK);
    assert_int_equal(grant(s, "n1-a", "192.0.2.1", 60), SK_OK);
    assert_int_equal(grant(s, "n1-a", "192.0.2.1", 60), SK_OK);
    assert_int_equal(grant(s, "n1-a", "2a00::1", 1), SK_OK);
    assert_int_equal(grant_as(s, "n1-a", "example.org", "2a00::1", 1), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &open), SK_OK);
    assert_int_equal(grant(s, "n1-a", "192.0.2.1", 60), SK_FAILED_PRECONDITION);
    assert_int_equal(apply(s, "n1-a", &shut), SK_OK);
    assert_int_equal(apply(s, "n1-c", &shut), SK_OK);
    assert_int_equal(apply(s, "n1-c", &open), SK_FAILED_PRECONDITION);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
    assert_int_equal(detach(s, "n1-c"), SK_OK);
}

static int run_network_suite(struct network_suite *s)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_same_place_again, s),
        cmocka_unit_test_prestate(test_detach_twice, s),
        cmocka_unit_test_prestate(test_closed_has_no_address, s),
        cmocka_unit_test_prestate(test_counts_of_nobody, s),
        cmocka_unit_test_prestate(test_address_rests, s),
        cmocka_unit_test_prestate(test_litter, s),
        cmocka_unit_test_prestate(test_places_outlive_the_daemon, s),
        cmocka_unit_test_prestate(test_policies, s),
        cmocka_unit_test_prestate(test_pool_runs_out, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
