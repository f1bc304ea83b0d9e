#include "contract/image.h"

#include "support/private_containerd.h"

int main(void)
{
    struct private_containerd p = {0};
    int result = sk_test_up(&p, 1);
    if (result)
        return result;
    struct image_suite suite = {
        .loop = p.loop,
        .driver = p.images,
        .known = "busybox",
        .known_full = "docker.io/library/busybox:latest",
    };
    result = run_image_suite(&suite);
    return sk_test_down(&p, result);
}
