/* Ports of the node: each one's alone, and given again as late as can be. */
#include "core/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MOST 4

struct fixture {
    struct sk_ports ports;
    struct sk_net_service services[MOST];
    struct sk_net_policy policy;
};

/* A policy with so many public services. */
static struct sk_net_policy *wants(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        f->services[i] = (struct sk_net_service){SK_NET_TCP, (uint16_t)(80 + i), SK_NET_PUBLIC, false, 0};
    f->policy = (struct sk_net_policy){.services = f->services, .service_count = count};
    return &f->policy;
}

static uint16_t one(struct fixture *f)
{
    struct sk_net_policy *policy = wants(f, 1);
    return sk_ports_assign(&f->ports, policy, NULL) == SK_OK ? policy->services[0].node_port : 0;
}

static void give(struct fixture *f, uint16_t port)
{
    wants(f, 1)->services[0].node_port = port;
    sk_ports_release(&f->ports, &f->policy);
}

static void each_has_its_own(void **state)
{
    struct fixture f;

    (void)state;
    sk_ports_init(&f.ports, 20000, 20002);
    assert_int_equal(one(&f), 20000);
    assert_int_equal(one(&f), 20001);
    assert_int_equal(one(&f), 20002);
    assert_int_equal(one(&f), 0);
    give(&f, 20001);
    assert_int_equal(one(&f), 20001);
    assert_int_equal(one(&f), 0);
}

static void they_rest(void **state)
{
    struct fixture f;

    (void)state;
    sk_ports_init(&f.ports, 1, 4);
    for (uint16_t i = 0; i < 9; i++) {
        uint16_t port = one(&f);
        assert_int_equal(port, i % 4 + 1);
        give(&f, port);
    }
}

static void the_whole_range_works(void **state)
{
    struct fixture f;

    (void)state;
    sk_ports_init(&f.ports, 65535, 65535);
    assert_int_equal(one(&f), 65535);
    assert_int_equal(one(&f), 0);
    give(&f, 65535);
    assert_int_equal(one(&f), 65535);
    sk_ports_init(&f.ports, 0, 0);
    assert_int_equal(one(&f), 0);
}

static void all_or_none(void **state)
{
    struct fixture f;
    struct sk_err err = {0};

    (void)state;
    sk_ports_init(&f.ports, 7, 9);
    assert_int_equal(one(&f), 7);
    assert_int_equal(sk_ports_assign(&f.ports, wants(&f, 3), &err), SK_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(err.text, "no port left"));
    assert_int_equal(sk_ports_assign(&f.ports, wants(&f, 2), NULL), SK_OK);
    assert_int_equal(f.services[0].node_port + f.services[1].node_port, 8 + 9);
    assert_int_equal(one(&f), 0);
}

static void only_plain_public_ones_have_one(void **state)
{
    struct fixture f;
    struct sk_net_policy *policy = wants(&f, 4);

    (void)state;
    sk_ports_init(&f.ports, 7, 9);
    policy->services[0].visibility = SK_NET_SILENT;
    policy->services[1].visibility = SK_NET_PRIVATE;
    policy->services[2].has_endpoint = true;
    policy->services[1].node_port = 8; /* whatever a caller may think */
    assert_int_equal(sk_ports_assign(&f.ports, policy, NULL), SK_OK);
    assert_int_equal(policy->services[0].node_port, 0);
    assert_int_equal(policy->services[1].node_port, 0);
    assert_int_equal(policy->services[2].node_port, 0);
    assert_int_equal(policy->services[3].node_port, 7);
}

static void earlier_ones_are_kept(void **state)
{
    struct fixture f;
    struct sk_net_policy *policy = wants(&f, 2);

    (void)state;
    sk_ports_init(&f.ports, 10, 13);
    policy->services[0].node_port = 11;
    policy->services[1].node_port = 99; /* of a range that was */
    assert_true(sk_ports_claim(&f.ports, policy));
    assert_false(sk_ports_claim(&f.ports, policy));
    sk_ports_rest(&f.ports, policy);
    assert_int_equal(one(&f), 12);
    assert_int_equal(one(&f), 13);
    assert_int_equal(one(&f), 10);
    assert_int_equal(one(&f), 0);
    policy = wants(&f, 2);
    policy->services[0].node_port = 11;
    policy->services[1].node_port = 99;
    sk_ports_release(&f.ports, policy);
    assert_int_equal(one(&f), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own),
        cmocka_unit_test(they_rest),
        cmocka_unit_test(the_whole_range_works),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(only_plain_public_ones_have_one),
        cmocka_unit_test(earlier_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
