/* What passes is for test_network_rules.c alone. */
#include "contract/network.h"

#include "drivers/fake/network.h"

/* What it holds is what would be on the host. */
static void restart(struct network_suite *s)
{
    (void)s;
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
                                  .addresses = SK_FAKE_NETWORK_ADDRESSES,
                                  .restart = restart};
    int result = run_network_suite(&suite);
    result |= sk_fake_network_count(fake) != 0;
    sk_fake_network_free(fake);
    sk_loop_free(loop);
    return result;
}
