/* The fake unpacks nothing: what layers do to the host, and compressed ones, are for
 * test_content_containerd.c alone. */
#include "contract/content_ahead.h"

#include "drivers/fake/content.h"

static void restart(struct content_suite *s)
{
    sk_fake_content_restart(s->arg);
}

int main(void)
{
    struct sk_loop *loop;
    struct sk_err err;
    if (sk_loop_new(&loop, &err) != SK_OK)
        return 1;
    struct sk_fake_content *fake = sk_fake_content_new(loop);
    struct content_suite suite = {
        .loop = loop, .content = sk_fake_content_base(fake), .arg = fake, .restart = restart};
    int result = run_content_suite(&suite) | run_content_ahead(&suite);
    for (int kind = SK_FAKE_BLOB; kind <= SK_FAKE_LEASE; kind++)
        result |= sk_fake_content_count(fake, (enum sk_fake_kind)kind) != 0;
    sk_fake_content_free(fake);
    sk_loop_free(loop);
    return result;
}
