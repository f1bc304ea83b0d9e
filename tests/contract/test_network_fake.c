/* What passes is for test_network_rules.c alone. */
#include "contract/network.h"

#include "drivers/fake/network.h"

/* What it holds is what would be on the host. */
static void restart(struct network_suite *s)
{
    (void)s;
}

/* As the real one leaves them out: tests of who asks for grants must not see what never happens. */
static void test_closed_addresses_are_left_out(void **state)
{
    struct network_suite *s = *state;
    struct sk_fake_network *fake = s->arg;
    char tenant[] = "acme", name[] = "example.com";
    struct sk_net_rule rule = {.peer = SK_NET_NAME, .name = name};
    struct sk_net_policy policy = {.tenant = tenant, .egress = &rule, .egress_count = 1};
    struct sk_network_place place;
    assert_int_equal(attach(s, "n1-a", false, &place) | apply(s, "n1-a", &policy), SK_OK);
    assert_int_equal(grant(s, "n1-a", "169.254.169.254", 60) | grant(s, "n1-a", "10.213.0.2", 60), SK_OK);
    assert_int_equal(grant(s, "n1-a", "fd5a::2", 60) | grant(s, "n1-a", "::1", 60), SK_OK);
    assert_int_equal(sk_fake_network_find(fake, "n1-a")->grant_count, 0);
    assert_int_equal(grant(s, "n1-a", "192.0.2.1", 60) | grant(s, "n1-a", "10.1.0.1", 60), SK_OK);
    assert_int_equal(sk_fake_network_find(fake, "n1-a")->grant_count, 2);
    assert_int_equal(detach(s, "n1-a"), SK_OK);
}

int main(void)
{
    struct sk_loop *loop;
    struct sk_err err;
    if (sk_loop_new(&loop, &err) != SK_OK)
        return 1;
    struct sk_fake_network *fake = sk_fake_network_new(loop);
    struct network_suite suite = {.loop = loop,
                                  .network = sk_fake_network_base(fake),
                                  .arg = fake,
                                  .addresses = SK_FAKE_NETWORK_ADDRESSES,
                                  .restart = restart};
    const struct CMUnitTest own[] = {
        cmocka_unit_test_prestate(test_closed_addresses_are_left_out, &suite),
    };
    int result = run_network_suite(&suite);
    result |= cmocka_run_group_tests(own, NULL, NULL);
    result |= sk_fake_network_count(fake) != 0;
    sk_fake_network_free(fake);
    sk_loop_free(loop);
    return result;
}
