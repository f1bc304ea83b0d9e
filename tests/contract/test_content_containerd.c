#include "contract/content_layers.h"

static void restart(struct content_suite *s)
{
    struct private_containerd *p = s->arg;
    struct sk_err err;

    sk_test_close_driver(p);
    if (sk_test_open_driver(p, 1, &err) != SK_OK)
        abort();
    s->content = sk_containerd_content(p->driver);
}

int main(void)
{
    struct private_containerd p = {0};
    int result = sk_test_up(&p, 1);
    if (result)
        return result;
    struct content_suite suite = {
        .loop = p.loop, .content = sk_containerd_content(p.driver), .arg = &p, .restart = restart};
    result = run_content_suite(&suite);
    result |= run_content_ahead(&suite);
    result |= run_content_layers(&suite);
    return sk_test_down(&p, result);
}
