#include "contract/image.h"

#include "drivers/fake/image.h"

int main(void)
{
    struct sk_loop *loop;
    struct sk_err err;
    if (sk_loop_new(&loop, &err) != SK_OK)
        return 1;
    struct sk_fake_images *fake = sk_fake_images_new(loop);
    struct image_suite suite = {
        .loop = loop,
        .driver = sk_fake_images_base(fake),
        .known = "python:3.11",
        .known_full = "docker.io/library/python:3.11",
    };
    int result = run_image_suite(&suite);
    sk_fake_images_free(fake);
    sk_loop_free(loop);
    return result;
}
